package main

import (
	"context"
	"fmt"
	"io/fs"
	"sync/atomic"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// A level is a height map and a policy that moves a walker on it.
type level struct {
	rows, columns int
	heights       []float32
	weight        [2][2]float32
	bias          [2]float32
}

// floats returns an array as float32, whatever its dtype. It must have the given shape, in which -1 matches any size.
func floats(loaded *tensorfile.Loaded, name string, shape ...int) (elements []float32, sizes []int, err error) {
	array, err := loaded.Array(name)
	if err != nil {
		return nil, nil, err
	}
	defer array.Close()
	sizes = array.Shape()
	matches := len(sizes) == len(shape)
	for i := 0; matches && i < len(shape); i++ {
		matches = shape[i] == -1 || shape[i] == sizes[i]
	}
	if !matches {
		return nil, nil, fmt.Errorf("the array %q must have the shape %v, found %v", name, shape, sizes)
	}
	elements, err = tensorfile.CastSlice[float32](array)
	return elements, sizes, err
}

func (l *level) loadTerrain(terrain *tensorfile.Loaded) error {
	heights, shape, err := floats(terrain, "heights", -1, -1)
	if err != nil {
		return err
	}
	if len(heights) == 0 {
		return fmt.Errorf("the map has no heights: %v", shape)
	}
	l.rows, l.columns, l.heights = shape[0], shape[1], heights
	return nil
}

func (l *level) loadPolicy(network *tensorfile.Loaded) error {
	weight, _, err := floats(network, "policy.weight", 2, 2)
	if err != nil {
		return err
	}
	bias, _, err := floats(network, "policy.bias", 2)
	if err != nil {
		return err
	}
	l.weight = [2][2]float32{{weight[0], weight[1]}, {weight[2], weight[3]}}
	l.bias = [2]float32(bias)
	return nil
}

// slope returns how much the map rises to the next row and to the next column.
func (l *level) slope(row, column int) [2]float32 {
	at := func(row, column int) float32 {
		return l.heights[min(row, l.rows-1)*l.columns+min(column, l.columns-1)]
	}
	here := at(row, column)
	return [2]float32{at(row+1, column) - here, at(row, column+1) - here}
}

// A loader loads a level in the background.
type loader struct {
	thousandths atomic.Int64
	loaded      chan struct{} // closed when level and err are set
	level       *level
	err         error
}

func startLoading(ctx context.Context, fsys fs.FS) *loader {
	l := &loader{loaded: make(chan struct{})}
	go func() {
		defer close(l.loaded)
		l.level, l.err = l.load(ctx, fsys)
	}()
	return l
}

func (l *loader) load(ctx context.Context, fsys fs.FS) (*level, error) {
	next := &level{}
	files := []struct {
		name string
		use  func(*tensorfile.Loaded) error
	}{
		{"assets/terrain.npz", next.loadTerrain},
		{"assets/network.safetensors", next.loadPolicy},
	}
	for i, file := range files {
		progress := func(done, total uint64) {
			share := (float64(i) + float64(done)/float64(max(total, 1))) / float64(len(files))
			l.thousandths.Store(int64(1000 * share))
		}
		loaded, err := loadFS(ctx, fsys, file.name, tensorfile.WithProgress(progress))
		if err != nil {
			return nil, err
		}
		err = file.use(loaded)
		loaded.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return next, nil
}

// progress returns the loaded fraction, 0 to 1.
func (l *loader) progress() float64 { return float64(l.thousandths.Load()) / 1000 }

// ready reports whether loading has ended. It does not block.
func (l *loader) ready() bool {
	select {
	case <-l.loaded:
		return true
	default:
		return false
	}
}
