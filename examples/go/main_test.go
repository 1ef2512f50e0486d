package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// A steppedClock only advances when it sleeps.
type steppedClock struct{ now time.Time }

func (c *steppedClock) Now() time.Time        { return c.now }
func (c *steppedClock) Sleep(d time.Duration) { c.now = c.now.Add(d) }

func loadedGame(t *testing.T, fsys fs.FS, ticks int) *game {
	t.Helper()
	g := newGame(t.Context(), fsys, ticks)
	<-g.loader.loaded
	if g.loader.err != nil {
		t.Fatal(g.loader.err)
	}
	return g
}

func TestPlaysTheEmbeddedLevel(t *testing.T) {
	var screen strings.Builder
	g := loadedGame(t, embedded, 2*ticksPerSecond)
	if err := run(t.Context(), g, &screen, &steppedClock{}); err != nil {
		t.Fatal(err)
	}
	// The map rises by 1 per row and 0.5 per column, which the policy converts to 0.75 rows and 1.75 columns per second.
	want := "  ..::\n..:@--\n::--==\n--==++\n"
	if !strings.HasSuffix(screen.String(), want) {
		t.Errorf("the screen does not end with %q: %q", want, screen.String())
	}
	if p := g.loader.progress(); p != 1 {
		t.Errorf("at the end the progress is %v", p)
	}
}

// A door is a file system that blocks all reads until it is opened.
type door struct {
	fs.FS
	opened chan struct{}
}

func (d door) Open(name string) (fs.File, error) {
	<-d.opened
	return d.FS.Open(name)
}

func TestShowsThatItLoads(t *testing.T) {
	waiting := door{embedded, make(chan struct{})}
	g := newGame(t.Context(), waiting, 1)
	var screen strings.Builder
	if err := errors.Join(g.Update(), g.Draw(&screen)); err != nil {
		t.Fatal(err)
	}
	g.loader.thousandths.Store(500)
	if err := g.Draw(&screen); err != nil {
		t.Fatal(err)
	}
	want := "loading [....................]\nloading [##########..........]\n"
	if screen.String() != want {
		t.Errorf("%q", screen.String())
	}
	close(waiting.opened)
	<-g.loader.loaded
}

func TestMovesInFixedSteps(t *testing.T) {
	g := loadedGame(t, embedded, 1000)
	clock := &steppedClock{time.Unix(0, 0)}
	frames := 0
	// The first second has 30 frames. Then a long pause must advance the world only by the maximum frame time.
	slow := writerFunc(func(p []byte) (int, error) {
		frames++
		switch {
		case frames <= 30:
			clock.Sleep(time.Second/30 - tick)
		case frames == 31:
			clock.Sleep(time.Hour)
		default:
			return 0, io.ErrClosedPipe
		}
		return len(p), nil
	})
	if err := run(t.Context(), g, slow, clock); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	if played := 1000 - g.ticks; played != 60+15 {
		t.Errorf("%d ticks were played", played)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestQuitsWhileItLoads(t *testing.T) {
	waiting := door{embedded, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	g := newGame(ctx, waiting, 1)
	cancel()
	close(waiting.opened)
	err := run(ctx, g, io.Discard, &steppedClock{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("quitting gave %v", err)
	}
	if !errors.Is(g.loader.err, tensorfile.ErrCancelled) {
		t.Errorf("loading ended with %v", g.loader.err)
	}
}

func TestLoadsFromAnArchive(t *testing.T) {
	var content bytes.Buffer
	archive := zip.NewWriter(&content)
	if err := errors.Join(archive.AddFS(embedded), archive.Close()); err != nil {
		t.Fatal(err)
	}
	fsys, err := zip.NewReader(bytes.NewReader(content.Bytes()), int64(content.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if level := loadedGame(t, fsys, 1).loader.level; level.rows != 4 || level.columns != 6 {
		t.Errorf("the level has %d rows and %d columns", level.rows, level.columns)
	}
}

func TestSaysWhatIsWrong(t *testing.T) {
	broken := fstest.MapFS{"assets/terrain.npz": {Data: []byte("PK\x03\x04 and no more")}}
	err := run(t.Context(), newGame(t.Context(), broken, 1), io.Discard, wallClock{})
	var failure *tensorfile.Error
	if !errors.As(err, &failure) || !strings.HasPrefix(err.Error(), "tensorfile: load assets/terrain.npz: ") {
		t.Errorf("a broken level gave %v", err)
	}
	err = run(t.Context(), newGame(t.Context(), fstest.MapFS{}, 1), io.Discard, wallClock{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no level gave %v", err)
	}
}
