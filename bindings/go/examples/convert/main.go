// Convert loads a .safetensors file, prints the names and shapes of its arrays, changes one of them, and saves the
// result as .npz and as .gguf with metadata.
//
//	go run github.com/tensorfile/tensorfile/bindings/go/examples/convert [MODEL.safetensors]
//
// Without an argument it creates a small file.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

func makeModel(path string) error {
	weight, err := tensorfile.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		return err
	}
	defer weight.Close()
	arrays := tensorfile.NewDict()
	defer arrays.Close()
	return errors.Join(
		arrays.Set("layers.0.weight", weight),
		arrays.Set("layers.0.bias", []float32{0.5, -0.5}),
		tensorfile.SaveSafetensors(path, arrays, nil),
	)
}

// halve halves the elements of the first float32 array.
func halve(arrays *tensorfile.Dict) error {
	for name, array := range arrays.Arrays() {
		array.Close()
		if array.Dtype() != tensorfile.Float32 {
			continue
		}
		fmt.Println("halved", name)
		return arrays.Update(name, func(array *tensorfile.Array) error {
			elements, err := tensorfile.MutableData[float32](array)
			for i := range elements {
				elements[i] /= 2
			}
			return err
		})
	}
	return nil
}

func convert(model string) error {
	loaded, err := tensorfile.Load(model)
	if err != nil {
		return err
	}
	defer loaded.Close()
	for name, array := range loaded.Arrays.Arrays() {
		fmt.Println(name, array.Dtype(), array.Shape())
		array.Close()
	}
	if err := halve(loaded.Arrays); err != nil {
		return err
	}

	base := strings.TrimSuffix(model, filepath.Ext(model))
	if err := tensorfile.SaveNPZ(base+".npz", loaded.Arrays, nil); err != nil {
		return err
	}
	metadata := tensorfile.NewDict()
	defer metadata.Close()
	err = errors.Join(
		metadata.Set("general.architecture", "example"),
		metadata.Set("general.name", "halved"),
		metadata.Set("example.block_count", uint32(1)),
		metadata.Set("tokenizer.ggml.tokens", []string{"<s>", "</s>"}),
		tensorfile.SaveGGUF(base+".gguf", loaded.Arrays, metadata),
	)
	if err != nil {
		return err
	}

	file, err := tensorfile.Open(base + ".gguf")
	if err != nil {
		return err
	}
	defer file.Close()
	about, err := file.Metadata()
	if err != nil {
		return err
	}
	name, err := about.Text("general.name")
	fmt.Println(name, "has", file.Len(), "arrays")
	return err
}

func main() {
	model := "model.safetensors"
	if len(os.Args) > 1 {
		model = os.Args[1]
	} else if err := makeModel(model); err != nil {
		log.Fatal(err)
	}
	if err := convert(model); err != nil {
		log.Fatal(err)
	}
}
