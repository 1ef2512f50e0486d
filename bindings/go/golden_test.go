package tensorfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// All files of tests/golden: those that must be refused, and those of other libraries, whose arrays must match.

const goldenFolder = "../../tests/golden"

type goldenArray struct{ dtype, shape, crc string }

type golden struct {
	file, open, load string
	arrays           map[string]goldenArray
}

func (g *golden) path() string { return filepath.Join(goldenFolder, g.file) }

// goldenFiles reads verdicts.tsv, whose columns make_verdicts.py documents.
func goldenFiles(t *testing.T) []*golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenFolder, "verdicts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*golden
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch len(parts) {
		case 3:
			files = append(files, &golden{parts[0], parts[1], parts[2], map[string]goldenArray{}})
		case 5:
			name, err := strconv.Unquote(parts[1])
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			files[len(files)-1].arrays[name] = goldenArray{parts[2], parts[3], parts[4]}
		default:
			t.Fatalf("not understood: %q", line)
		}
	}
	if len(files) <= 150 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

func verdict(err error) string {
	var e *Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return e.Status.String()
	}
	return "another error: " + err.Error()
}

func shapeText(shape []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(shape), "[]")), ",")
}

// crcOf returns the CRC-32 of an array's bytes in C order.
func crcOf(t *testing.T, a *Array) string {
	t.Helper()
	whole, err := a.Contiguous()
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	bytes, err := whole.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE(bytes))
}

func expectGolden(t *testing.T, how string, g *golden, loaded *Loaded, err error) {
	t.Helper()
	if verdict(err) != g.load {
		t.Errorf("%s: %s: %v, not %s", g.file, how, err, g.load)
		return
	}
	if err != nil {
		return
	}
	defer loaded.Close()
	if loaded.Arrays.Len() != len(g.arrays) {
		t.Errorf("%s: %s: %d arrays, not %d", g.file, how, loaded.Arrays.Len(), len(g.arrays))
	}
	for name, expected := range g.arrays {
		a, err := loaded.Array(name)
		if err != nil {
			t.Errorf("%s: %s: %v", g.file, how, err)
			continue
		}
		if found := (goldenArray{a.Dtype().String(), shapeText(a.Shape()), crcOf(t, a)}); found != expected {
			t.Errorf("%s: %s: %q is %v, not %v", g.file, how, name, found, expected)
		}
		a.Close()
	}
}

func TestGoldenFilesHaveTheVerdictsOfC(t *testing.T) {
	for _, g := range goldenFiles(t) {
		file, err := Open(g.path())
		if verdict(err) != g.open {
			t.Errorf("%s: opening: %v, not %s", g.file, err, g.open)
		}
		if err == nil {
			file.Close()
		}
		loaded, err := Load(g.path())
		var e *Error
		if errors.As(err, &e) && !strings.HasPrefix(e.Message, g.path()+": ") {
			t.Errorf("%s: the message does not start with the path: %s", g.file, e.Message)
		}
		expectGolden(t, "path", g, loaded, err)
	}
}

func TestLocationSaysTheOrderOfBytesAndElements(t *testing.T) {
	for name, expected := range map[string][2]bool{
		"np_fortran_be": {true, true}, "np_float32_be": {true, false}, "np_float32_fortran_2d": {false, true},
		"np_float32_c": {false, false},
	} {
		file := must[*File](t)(Open(filepath.Join(goldenFolder, "npy", name+".npy")))
		where := must[Location](t)(must[Entry](t)(file.At(0)).Location())
		same(t, [2]bool{where.BigEndian, where.FortranOrder}, expected)
		ok(t, file.Close())
	}
}

func TestGoldenFilesFromMemorySourcesAndMaps(t *testing.T) {
	for _, g := range goldenFiles(t) {
		bytes, err := os.ReadFile(g.path())
		if err != nil {
			t.Fatal(err)
		}
		format := FormatFromPath(g.file)
		loaded, err := LoadBytes(bytes, format)
		expectGolden(t, "bytes", g, loaded, err)

		reader, err := os.Open(g.path())
		if err != nil {
			t.Fatal(err)
		}
		loaded, err = LoadReader(reader, int64(len(bytes)), format)
		expectGolden(t, "reader", g, loaded, err)
		reader.Close()

		memory, err := SourceFromBytes(bytes)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err = LoadFrom(memory, format)
		expectGolden(t, "memory", g, loaded, err)
		// The checksum of a stored member is not verified if it is mapped, since its data are not read.
		if g.file != "npz/reject_bad_crc.npz" {
			loaded, err = Load(g.path(), WithMap(true))
			expectGolden(t, "map", g, loaded, err)
			loaded, err = LoadFrom(memory, format, WithMap(true))
			expectGolden(t, "mapped memory", g, loaded, err)
		}
		memory.Close()
	}
}

func TestGoldenArraysReadOneByOne(t *testing.T) {
	for _, g := range goldenFiles(t) {
		file, err := Open(g.path())
		if err != nil {
			continue // checked by TestGoldenFilesHaveTheVerdictsOfC
		}
		for name, entry := range file.Entries() {
			expected, ok := g.arrays[name]
			a, err := entry.Read()
			if !ok {
				if g.load == "ok" || errors.Is(err, ErrInternal) || errors.Is(err, ErrInvalidArgument) {
					t.Errorf("%s: %q: %v", g.file, name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %q: %v", g.file, name, err)
				continue
			}
			if a.Dtype() != entry.Dtype() || a.Dtype().String() != expected.dtype || shapeText(entry.Shape()) != expected.shape {
				t.Errorf("%s: %q: %v is not %v", g.file, name, a, expected)
			}
			bytes := make([]byte, entry.NBytes())
			if err := ReadInto(BytesInto(entry, bytes)); err != nil {
				t.Errorf("%s: %q: %v", g.file, name, err)
			}
			if crc := fmt.Sprintf("%08x", crc32.ChecksumIEEE(bytes)); crc != expected.crc || crcOf(t, a) != expected.crc {
				t.Errorf("%s: %q: checksum %s, not %s", g.file, name, crc, expected.crc)
			}
			a.Close()
		}
		file.Close()
	}
}
