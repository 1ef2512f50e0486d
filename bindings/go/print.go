package tensorfile

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// How much of a value is printed: of an array with more than printedElements elements only printedEdge at both ends of
// each dimension, of a dict, a file or a list of strings the first printedValues, and of a string printedBytes.
const (
	printedElements = 60
	printedInDict   = 8 // arrays with more elements are printed without them in a dict
	printedEdge     = 3
	printedValues   = 40
	printedBytes    = 80
	printedDepth    = 4
)

// kind returns the dtype and the shape, such as "float32[2 3]".
func (a *Array) kind() string { return kindOf(a.dtype, a.shape) }

func kindOf(dtype Dtype, shape []int) string { return fmt.Sprintf("%v%v", dtype, shape) }

// String returns the dtype, the shape and the elements, such as "float32[2 3] [[1 2 3] [4 5 6]]". Of a large array it
// returns the elements at the ends of each dimension, and of one of a packed or block type none.
func (a *Array) String() string {
	raw, err := a.handle.lock()
	if err != nil {
		return a.kind() + " (closed)"
	}
	defer a.handle.unlock()
	if len(a.strides) != len(a.shape) { // packed and block types have no strides
		return a.kind()
	}
	p := printer{a: a, raw: raw, index: make([]int64, len(a.shape)), all: a.size <= printedElements}
	p.text.WriteString(a.kind())
	p.text.WriteByte(' ')
	p.write(0, 0)
	return p.text.String()
}

// printer prints the elements of an array.
type printer struct {
	a     *Array
	raw   capi.Array
	index []int64 // of the current element, for dtypes that have no Go type
	all   bool
	text  strings.Builder
}

// write writes the elements whose indices in the dimensions before axis are those in index. The first of them is offset
// bytes after the start of the data.
func (p *printer) write(axis, offset int) {
	if axis == len(p.a.shape) {
		p.element(offset)
		return
	}
	size := p.a.shape[axis]
	p.text.WriteByte('[')
	for i := 0; i < size; i++ {
		if i > 0 {
			p.text.WriteByte(' ')
		}
		if !p.all && i == printedEdge && size > 2*printedEdge {
			p.text.WriteString("... ")
			i = size - printedEdge
		}
		p.index[axis] = int64(i)
		p.write(axis+1, offset+i*p.a.strides[axis])
	}
	p.text.WriteByte(']')
}

func (p *printer) element(offset int) {
	value := p.a.dtype.element(unsafe.Add(unsafe.Pointer(p.a.data), offset))
	if value == nil {
		number := 0.0
		if check(capi.ArrayItemDouble(&number, p.raw, first(p.index), len(p.index))) != nil {
			p.text.WriteByte('?')
			return
		}
		value = number
	}
	fmt.Fprint(&p.text, value)
}

// String returns the names and values, such as "{general.name: "m", m.block_count: 2, weight: float32[64 64]}". Of an
// array it returns the dtype and the shape, and the elements if there are few.
func (d *Dict) String() string {
	var text strings.Builder
	d.print(&text, 0)
	return text.String()
}

func (d *Dict) print(text *strings.Builder, depth int) {
	keys, err := d.keys()
	switch {
	case err != nil:
		text.WriteString("{closed}")
		return
	case depth == printedDepth:
		text.WriteString("{...}")
		return
	}
	text.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			text.WriteString(", ")
		}
		if i == printedValues {
			fmt.Fprintf(text, "... %d more", len(keys)-i)
			break
		}
		text.WriteString(nameOf(key) + ": ")
		value, err := d.borrow(key)
		if err != nil {
			text.WriteString("?")
			continue
		}
		printValue(text, value, depth)
		closeBorrowed(value)
	}
	text.WriteByte('}')
}

func printValue(text *strings.Builder, value any, depth int) {
	switch value := value.(type) {
	case *Array:
		if value.size > printedInDict {
			text.WriteString(value.kind())
		} else {
			text.WriteString(value.String())
		}
	case *Dict:
		value.print(text, depth+1)
	case string:
		text.WriteString(quote(value))
	case []string:
		text.WriteByte('[')
		for i, line := range value {
			if i > 0 {
				text.WriteByte(' ')
			}
			if i == printedValues {
				fmt.Fprintf(text, "... %d more", len(value)-i)
				break
			}
			text.WriteString(quote(line))
		}
		text.WriteByte(']')
	default:
		fmt.Fprint(text, value)
	}
}

// nameOf returns a name, or "" in quotes.
func nameOf(name string) string {
	if name == "" {
		return `""`
	}
	return name
}

func quote(text string) string {
	if len(text) > printedBytes {
		return strconv.Quote(text[:printedBytes]) + "..."
	}
	return strconv.Quote(text)
}

// String returns the arrays and the metadata, as Dict.String does.
func (l *Loaded) String() string {
	if l.Metadata.handle.closed() || l.Metadata.Len() == 0 {
		return l.Arrays.String()
	}
	return l.Arrays.String() + " with metadata " + l.Metadata.String()
}

// String returns the format and the arrays, such as "safetensors {weight: float32[2 3]}".
func (f *File) String() string {
	entries, err := f.list()
	if err != nil {
		return f.format.String() + " {closed}"
	}
	var text strings.Builder
	text.WriteString(f.format.String() + " {")
	for i, entry := range entries {
		if i > 0 {
			text.WriteString(", ")
		}
		if i == printedValues {
			fmt.Fprintf(&text, "... %d more", len(entries)-i)
			break
		}
		text.WriteString(entry.String())
	}
	text.WriteByte('}')
	return text.String()
}

// String returns the name, the dtype and the shape, such as "weight: float32[2 3]".
func (e Entry) String() string { return nameOf(e.name) + ": " + kindOf(e.dtype, e.shape) }
