package tensorfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// check ends an example on an error.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func model() (path string, remove func()) {
	folder, err := os.MkdirTemp("", "tensorfile")
	check(err)
	arrays := tensorfile.NewDict()
	defer arrays.Close()
	check(arrays.Set("bias", []float32{0.5, -0.5}))
	weight, err := tensorfile.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	check(err)
	defer weight.Close()
	check(arrays.Set("weight", weight))
	path = filepath.Join(folder, "model.safetensors")
	check(tensorfile.SaveSafetensors(path, arrays, nil))
	return path, func() { os.RemoveAll(folder) }
}

func Example() {
	path, remove := model()
	defer remove()

	loaded, err := tensorfile.Load(path)
	check(err)
	defer loaded.Close()
	weight, err := loaded.Array("weight")
	check(err)
	defer weight.Close()
	elements, err := tensorfile.Data[float32](weight)
	check(err)
	fmt.Println(elements)
	fmt.Println(weight)
	// Output:
	// [1 2 3 4 5 6]
	// float32[2 3] [[1 2 3] [4 5 6]]
}

func ExampleOpen() {
	path, remove := model()
	defer remove()

	file, err := tensorfile.Open(path)
	check(err)
	defer file.Close()
	for name, entry := range file.Entries() {
		fmt.Println(name, entry.Dtype(), entry.Shape())
	}
	column, shape, err := tensorfile.Read[float32](file, "weight", tensorfile.All(), tensorfile.Range(1, 2))
	check(err)
	fmt.Println(shape, column)
	// Output:
	// bias float32 [2]
	// weight float32 [2 3]
	// [2 1] [2 5]
}

func ExampleDict() {
	metadata := tensorfile.NewDict()
	defer metadata.Close()
	check(metadata.Set("general.architecture", "example"))
	check(metadata.Set("example.block_count", uint32(1)))
	check(metadata.Set("tokenizer.ggml.tokens", []string{"<s>", "</s>"}))
	for name, value := range metadata.All() {
		fmt.Println(name, value)
	}
	count, err := tensorfile.Get[uint32](metadata, "example.block_count")
	check(err)
	fmt.Println(count + 1)
	// Output:
	// general.architecture example
	// example.block_count 1
	// tokenizer.ggml.tokens [<s> </s>]
	// 2
}

func ExampleDict_Update() {
	arrays := tensorfile.NewDict()
	defer arrays.Close()
	check(arrays.Set("weight", []float64{1, 2}))
	err := arrays.Update("weight", func(weight *tensorfile.Array) error {
		elements, err := tensorfile.MutableData[float64](weight)
		if err == nil {
			elements[0] = 10
		}
		return err
	})
	check(err)
	weight, err := arrays.Array("weight")
	check(err)
	defer weight.Close()
	fmt.Println(weight.Float(0))
	// Output: 10 <nil>
}

func ExampleWith() {
	array, err := tensorfile.FromSlice([]float32{1, 2, 3})
	check(err)
	sum := float32(0)
	check(tensorfile.With(array, func(elements []float32) error {
		for _, element := range elements {
			sum += element
		}
		return nil
	}))
	fmt.Println(sum)
	// Output: 6
}

func ExampleNewSource() {
	array, err := tensorfile.FromSlice([]int16{1, 2})
	check(err)
	defer array.Close()
	var file strings.Builder
	check(tensorfile.SaveArrayTo(&file, array))

	reader := strings.NewReader(file.String())
	loaded, err := tensorfile.LoadReader(reader, reader.Size(), tensorfile.NPY)
	check(err)
	defer loaded.Close()
	same, err := loaded.Array("")
	check(err)
	defer same.Close()
	fmt.Println(same.Equal(array))
	// Output: true <nil>
}

func ExampleError() {
	_, err := tensorfile.Load("missing.safetensors")
	fmt.Println(errors.Is(err, tensorfile.ErrNotFound), errors.Is(err, fs.ErrNotExist))
	var e *tensorfile.Error
	if errors.As(err, &e) {
		fmt.Println(e.Status == tensorfile.ErrNotFound, e.Offset)
	}
	// Output:
	// true true
	// true -1
}

func ExampleWithContext() {
	path, remove := model()
	defer remove()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := tensorfile.Load(path, tensorfile.WithContext(ctx))
	fmt.Println(errors.Is(err, tensorfile.ErrCancelled), errors.Is(err, context.Canceled))
	// Output: true true
}
