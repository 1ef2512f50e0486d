package gocloud

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
)

// safetensors returns a file as the specification of the format describes it: arrays of 32-bit integers, each of which
// is named by a letter.
func safetensors(arrays ...[]int32) []byte {
	header, data := map[string]any{}, []byte{}
	for i, elements := range arrays {
		start := len(data)
		for _, element := range elements {
			data = binary.LittleEndian.AppendUint32(data, uint32(element))
		}
		header[string(rune('a'+i))] = map[string]any{
			"dtype": "I32", "shape": []int{len(elements)}, "data_offsets": []int{start, len(data)}}
	}
	text, _ := json.Marshal(header)
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text, data)
}

func count(first, size int32) []int32 {
	elements := make([]int32, size)
	for i := range elements {
		elements[i] = first + int32(i)
	}
	return elements
}

// counted is a store that counts its requests for ranges.
type counted struct {
	Store
	reads *atomic.Int32
}

func newCounted(bucket *blob.Bucket) counted {
	reads := new(atomic.Int32)
	return counted{Store{Bucket: bucket, IfMatch: func(string) func(func(any) bool) error {
		return func(func(any) bool) error {
			reads.Add(1)
			return nil
		}
	}}, reads}
}

// expectReads fails unless that many ranges were read since the last call.
func (c counted) expectReads(t *testing.T, want int32) {
	t.Helper()
	if got := c.reads.Swap(0); got != want {
		t.Errorf("%d reads instead of %d", got, want)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func put(t *testing.T, bucket *blob.Bucket, key string, content []byte) {
	t.Helper()
	if err := bucket.WriteAll(t.Context(), key, content, nil); err != nil {
		t.Fatal(err)
	}
}

// replace puts another version of an object, at a later time by the clock of the bucket.
func replace(t *testing.T, bucket *blob.Bucket, key string, content []byte) {
	t.Helper()
	before := must[*blob.Attributes](t)(bucket.Attributes(t.Context(), key)).ModTime
	for now := before; now.Equal(before); {
		put(t, bucket, key, content)
		now = must[*blob.Attributes](t)(bucket.Attributes(t.Context(), key)).ModTime
	}
}

func keys(t *testing.T, bucket *blob.Bucket) (keys []string) {
	t.Helper()
	for objects := bucket.List(nil); ; {
		object, err := objects.Next(t.Context())
		if err == io.EOF {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
}

func expect(t *testing.T, file *tensorfile.File, name string, want []int32, parts ...tensorfile.Slice) {
	t.Helper()
	got, _, err := tensorfile.Read[int32](file, name, parts...)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s is %v, %v instead of %v", name, got, err, want)
	}
}

// each runs a test with each bucket that needs no server.
func each(t *testing.T, test func(t *testing.T, bucket *blob.Bucket)) {
	t.Run("memory", func(t *testing.T) { test(t, memblob.OpenBucket(nil)) })
	t.Run("folder", func(t *testing.T) {
		test(t, must[*blob.Bucket](t)(fileblob.OpenBucket(t.TempDir(), &fileblob.Options{NoTempDir: true})))
	})
}

func TestReads(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := newCounted(bucket)
		put(t, bucket, "m/a.safetensors", safetensors(count(0, 3000), count(5000, 3000), count(9000, 3)))
		file := must[*tensorfile.File](t)(store.Open(t.Context(), "m/a.safetensors"))
		defer file.Close()
		var names []string
		for name := range file.Entries() {
			names = append(names, name)
		}
		if !slices.Equal(names, []string{"a", "b", "c"}) {
			t.Errorf("the arrays are %v", names)
		}
		store.expectReads(t, 1) // a header of up to 1 MiB
		expect(t, file, "b", count(5000, 3000))
		store.expectReads(t, 1)
		expect(t, file, "a", count(70, 10), tensorfile.Range(70, 80))
		store.expectReads(t, 1)

		// Neighbours are read at once.
		a, b := make([]int32, 3000), make([]int32, 3000)
		first, second := must[tensorfile.Entry](t)(file.Entry("a")), must[tensorfile.Entry](t)(file.Entry("b"))
		if err := tensorfile.ReadInto(tensorfile.Into(first, a), tensorfile.Into(second, b)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a, count(0, 3000)) || !slices.Equal(b, count(5000, 3000)) {
			t.Error("the neighbours have other elements")
		}
		store.expectReads(t, 1)
	})
}

func TestReadsOfLargeFiles(t *testing.T) {
	store := newCounted(memblob.OpenBucket(nil))
	small := safetensors(count(0, 10))
	header := append(small[8:len(small)-40:len(small)-40], bytes.Repeat([]byte{' '}, 2<<20)...)
	put(t, store.Bucket, "header.safetensors",
		slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header, small[len(small)-40:]))
	file := must[*tensorfile.File](t)(store.Open(t.Context(), "header.safetensors"))
	defer file.Close()
	store.expectReads(t, 2)
	expect(t, file, "a", count(0, 10))
	store.expectReads(t, 1)

	put(t, store.Bucket, "data.safetensors", safetensors(count(0, 5<<20)))
	file = must[*tensorfile.File](t)(store.Open(t.Context(), "data.safetensors"))
	defer file.Close()
	store.expectReads(t, 1)
	expect(t, file, "a", count(0, 5<<20))
	store.expectReads(t, 3) // 20 MiB in pieces of 8 MiB
}

func TestSets(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := newCounted(bucket)
		put(t, bucket, "m/w-00001-of-00002.safetensors", safetensors(count(1, 2)))
		put(t, bucket, "m/w-00002-of-00002.safetensors", bytes.Replace(safetensors(count(3, 4)), []byte(`"a"`), []byte(`"b"`), 1))
		put(t, bucket, "m/w.safetensors.index.json", []byte(`{"metadata": {}, "weight_map":
			{"a": "w-00001-of-00002.safetensors", "b": "w-00002-of-00002.safetensors"}}`))
		file := must[*tensorfile.File](t)(store.Open(t.Context(), "m/w.safetensors.index.json"))
		defer file.Close()
		store.expectReads(t, 3) // the index, and the header of each part
		expect(t, file, "a", count(1, 2))
		expect(t, file, "b", count(4, 2), tensorfile.Range(1, 3))
		store.expectReads(t, 2)

		if err := bucket.Delete(t.Context(), "m/w-00002-of-00002.safetensors"); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), "m/w.safetensors.index.json")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error for a missing part is %v", err)
		}
	})
}

func TestFailures(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := Store{Bucket: bucket}
		if _, err := store.Open(t.Context(), "none.npz"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error for a missing object is %v", err)
		}
		put(t, bucket, "bad.safetensors", safetensors(count(0, 2))[:60])
		_, err := store.Open(t.Context(), "bad.safetensors")
		if !errors.Is(err, tensorfile.ErrTruncated) || !strings.HasPrefix(err.Error(), "tensorfile: open bad.safetensors: ") {
			t.Errorf("the error for a truncated object is %v", err)
		}

		for name, changed := range map[string][]int32{"another size": count(0, 2001), "the same size": count(1, 2000)} {
			put(t, bucket, "c.safetensors", safetensors(count(0, 2000)))
			file := must[*tensorfile.File](t)(store.Open(t.Context(), "c.safetensors"))
			replace(t, bucket, "c.safetensors", safetensors(changed))
			if _, _, err := tensorfile.Read[int32](file, "a"); !errors.Is(err, ErrChanged) {
				t.Errorf("the error for an object of %s is %v", name, err)
			}
			file.Close()
		}
	})
}

func arrays(t *testing.T, size int32) *tensorfile.Dict {
	t.Helper()
	arrays := tensorfile.NewDict()
	for name, elements := range map[string][]int32{"a": count(1, size), "b": count(2000, size)} {
		if err := arrays.Set(name, elements); err != nil {
			t.Fatal(err)
		}
	}
	return arrays
}

func TestSaves(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := Store{Bucket: bucket}
		if err := store.Save(t.Context(), "out/w.safetensors", arrays(t, 1000), nil); err != nil {
			t.Fatal(err)
		}
		if err := store.Save(t.Context(), "set/w.safetensors", arrays(t, 1000), nil, tensorfile.WithPartBytes(4000)); err != nil {
			t.Fatal(err)
		}
		want := []string{"out/w.safetensors", "set/w-00001-of-00002.safetensors", "set/w-00002-of-00002.safetensors",
			"set/w.safetensors.index.json"}
		if got := keys(t, bucket); !slices.Equal(got, want) {
			t.Errorf("the objects are %v", got)
		}
		for _, key := range []string{want[0], want[3]} {
			file := must[*tensorfile.File](t)(store.Open(t.Context(), key))
			expect(t, file, "a", count(1, 1000))
			expect(t, file, "b", count(2000, 1000))
			file.Close()
		}
		// As the specification describes it: the length of the header, the header, which says where the data are.
		content := must[[]byte](t)(bucket.ReadAll(t.Context(), want[0]))
		start := 8 + binary.LittleEndian.Uint64(content)
		var header map[string]struct {
			Dtype   string
			Shape   []int
			Offsets []uint64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(content[8:start], &header); err != nil {
			t.Fatal(err)
		}
		b := header["b"]
		if len(header) != 2 || b.Dtype != "I32" || !slices.Equal(b.Shape, []int{1000}) {
			t.Errorf("the header is %v", header)
		}
		var elements [1000]int32
		must[int](t)(binary.Decode(content[start+b.Offsets[0]:start+b.Offsets[1]], binary.LittleEndian, elements[:]))
		if !slices.Equal(elements[:], count(2000, 1000)) {
			t.Error("the object has other elements")
		}
	})
}

// A save that fails leaves the old object, and no new one.
func TestFailedSaves(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := Store{Bucket: bucket}
		put(t, bucket, "w.safetensors", []byte("old"))
		large := arrays(t, 1<<20)
		for _, part := range []int64{0, 4 << 20} {
			ctx, cancel := context.WithCancel(t.Context())
			progress := tensorfile.WithProgress(func(done, _ uint64) {
				if done > 5<<20 {
					cancel()
				}
			})
			err := store.Save(t.Context(), "w.safetensors", large, nil, tensorfile.WithPartBytes(part), progress,
				tensorfile.WithContext(ctx))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error of a cancelled save is %v", err)
			}
			if got := keys(t, bucket); !slices.Equal(got, []string{"w.safetensors"}) {
				t.Errorf("the objects are %v", got)
			}
			if content := must[[]byte](t)(bucket.ReadAll(t.Context(), "w.safetensors")); string(content) != "old" {
				t.Errorf("the object has %d bytes", len(content))
			}
		}
	})
}

// An array of its own file, and a file in pieces.
func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, bucket *blob.Bucket) {
		store := Store{Bucket: bucket}
		array := must[*tensorfile.Array](t)(tensorfile.FromSlice(count(1, 4)))
		defer array.Close()
		upload := must[io.Writer](t)(store.Create(t.Context(), "a.npy"))
		if err := tensorfile.SaveArrayTo(upload, array); err != nil {
			t.Fatal(err)
		}
		file := must[*tensorfile.File](t)(store.Open(t.Context(), "a.npy"))
		defer file.Close()
		expect(t, file, "", count(1, 4))

		writer := must[*tensorfile.Writer](t)(tensorfile.NewWriter(
			must[io.Writer](t)(store.Create(t.Context(), "b.safetensors")), tensorfile.Safetensors))
		if err := writer.Declare("b", tensorfile.Int32, 4); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tensorfile.WriteElements(writer, count(1, 2)), writer.Close()); err != nil { // not Finish
			t.Fatal(err)
		}
		if got := keys(t, bucket); !slices.Equal(got, []string{"a.npy"}) {
			t.Errorf("the objects are %v", got)
		}
	})
}
