// Command game is a game loop with a fixed time step like that of Ebitengine: Update advances the world by a 60th of a
// second, and Draw shows it as text. Its arrays are embedded in the program, and are loaded in the background while a
// loading screen is shown: a height map from an .npz, and the network that moves a walker on it from a .safetensors.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"time"
)

const (
	ticksPerSecond = 60
	tick           = time.Second / ticksPerSecond
	// Longer pauses do not advance the world further.
	longestFrame = time.Second / 4
)

//go:embed assets
var embedded embed.FS

// errFinished ends the loop.
var errFinished = errors.New("finished")

// A game is updated once per tick and drawn once per frame.
type game struct {
	loader *loader
	ticks  int // remaining
	walker [2]float32
}

func newGame(ctx context.Context, fsys fs.FS, ticks int) *game {
	return &game{loader: startLoading(ctx, fsys), ticks: ticks}
}

// Update moves the walker by one tick if the level is loaded.
func (g *game) Update() error {
	switch {
	case !g.loader.ready():
		return nil
	case g.loader.err != nil:
		return g.loader.err
	case g.ticks == 0:
		return errFinished
	}
	g.ticks--
	level := g.loader.level
	slope := level.slope(int(g.walker[0]), int(g.walker[1]))
	edge := [2]int{level.rows - 1, level.columns - 1}
	for axis := range g.walker {
		speed := level.weight[axis][0]*slope[0] + level.weight[axis][1]*slope[1] + level.bias[axis]
		g.walker[axis] = min(max(0, g.walker[axis]+speed/ticksPerSecond), float32(edge[axis]))
	}
	return nil
}

// Draw shows the level in shades with the walker, or the progress of loading it.
func (g *game) Draw(screen io.Writer) error {
	var picture strings.Builder
	if !g.loader.ready() {
		const width = 20
		full := int(width * g.loader.progress())
		fmt.Fprintf(&picture, "loading [%s%s]\n", strings.Repeat("#", full), strings.Repeat(".", width-full))
	} else if level := g.loader.level; level != nil {
		const shades = " .:-=+*#%"
		for i, height := range level.heights {
			shade := shades[min(len(shades)-1, max(0, int(height)))]
			if i == int(g.walker[0])*level.columns+int(g.walker[1]) {
				shade = '@'
			}
			picture.WriteByte(shade)
			if (i+1)%level.columns == 0 {
				picture.WriteByte('\n')
			}
		}
	}
	_, err := io.WriteString(screen, picture.String())
	return err
}

// A clock returns the time and sleeps.
type clock interface {
	Now() time.Time
	Sleep(time.Duration)
}

type wallClock struct{}

func (wallClock) Now() time.Time        { return time.Now() }
func (wallClock) Sleep(d time.Duration) { time.Sleep(d) }

// run plays until the game is finished, fails, or ctx is done.
func run(ctx context.Context, g *game, screen io.Writer, clock clock) error {
	var lag time.Duration
	for last := clock.Now(); ; {
		now := clock.Now()
		lag += min(now.Sub(last), longestFrame)
		for last = now; lag >= tick; lag -= tick {
			if err := g.Update(); errors.Is(err, errFinished) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if err := g.Draw(screen); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			<-g.loader.loaded // ends soon, since ctx is done
			return err
		}
		clock.Sleep(tick - lag)
	}
}

func main() {
	seconds := flag.Int("seconds", 2, "how long to play")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, newGame(ctx, embedded, *seconds*ticksPerSecond), os.Stdout, wallClock{})
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "game:", err)
		os.Exit(1)
	}
}
