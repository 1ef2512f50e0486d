package tensorfile

import (
	"io"
	"iter"
	"slices"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// PartPlan divides arrays into the files of a set as a save with WithPartBytes does, and writes nothing. The tasks of a
// cluster each make the same plan and write their parts with Create; then one of them writes the entry of the set: the
// index of sharded safetensors with SaveIndex, or part 0 of a split .gguf, which has the metadata. Until then the set
// cannot be opened. The files are those of a save of the whole set, but nothing that an older set left is deleted.
//
// First declare all arrays, then call Finish. If the arrays fit in one file, the plan has one part and no index.
type PartPlan struct {
	handle   handle[capi.PartPlan]
	declared []declaration
}

// Part is one file of a set.
type Part struct {
	Index  int    // from 0 to PartPlan.Len() - 1
	Path   string // of the file
	First  int    // index of the first array, in the order of declaration
	Count  int    // number of arrays
	NBytes int64  // bytes of their data
}

// NewPartPlan returns an empty plan for the path that a single file would have, which is not accessed. If format is
// Auto, it is that of WithFormat or else that of the extension. The options apply to the writers and the index.
func NewPartPlan(path string, format Format, opts ...Option) (p *PartPlan, err error) {
	defer annotate(&err, "plan", path)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var raw capi.PartPlan
	if err := check(capi.PartPlanNew(&raw, path, int32(format), options.raw)); err != nil {
		return nil, err
	}
	p = &PartPlan{}
	return own(p, &p.handle, raw, capi.PartPlanRelease), nil
}

// Close releases the plan. It always returns nil; closing twice is allowed.
func (p *PartPlan) Close() error { return p.handle.close() }

// change runs a call that changes the plan.
func (p *PartPlan) change(call func(raw capi.PartPlan) error) error {
	raw, err := p.handle.lockAlone()
	if err != nil {
		return err
	}
	defer p.handle.unlockAlone()
	return check(call(raw))
}

// read runs a call that reads the plan.
func (p *PartPlan) read(call func(raw capi.PartPlan) error) error {
	raw, err := p.handle.lock()
	if err != nil {
		return err
	}
	defer p.handle.unlock()
	return check(call(raw))
}

// Declare declares the next array, as Writer.Declare does.
func (p *PartPlan) Declare(name string, dtype Dtype, shape ...int) error {
	sizes := numbers(shape)
	return p.change(func(raw capi.PartPlan) error {
		err := capi.PartPlanDeclare(raw, name, int32(dtype), first(sizes), len(sizes))
		if err == nil {
			p.declared = append(p.declared, declare(name, dtype, shape))
		}
		return err
	})
}

// DeclareAll declares all arrays of a dict in its order. Their elements are not used.
func (p *PartPlan) DeclareAll(arrays *Dict) error {
	dict, err := arrays.handle.lock()
	if err != nil {
		return err
	}
	defer arrays.handle.unlock()
	return p.change(func(raw capi.PartPlan) error {
		if err := capi.PartPlanDeclareAll(raw, dict); err != nil {
			return err
		}
		keys, ok := capi.DictKeys(dict)
		if !ok {
			return newError(ErrOutOfMemory, "out of memory for the names of a dict")
		}
		for _, key := range keys {
			found := capi.GetValue(dict, key, false)
			p.declared = append(p.declared, declare(key, Dtype(found.Info.Dtype), ints(found.Info.Shape)))
			capi.ArrayRelease(found.Array)
		}
		return nil
	})
}

// SetMetadata sets the metadata of the set; nil is none. Every part of sharded safetensors contains it, and so
// does part 0 of a split .gguf.
func (p *PartPlan) SetMetadata(metadata *Dict) error {
	raw, err := capi.Dict(0), error(nil)
	if metadata != nil {
		if raw, err = metadata.handle.lock(); err != nil {
			return err
		}
		defer metadata.handle.unlock()
	}
	return p.change(func(plan capi.PartPlan) error { return capi.PartPlanSetMetadata(plan, raw) })
}

// Finish divides the arrays into parts. Afterwards nothing can be declared.
func (p *PartPlan) Finish() error { return p.change(capi.PartPlanFinish) }

// Len returns the number of parts, which is 0 before Finish. It panics if the plan is closed.
func (p *PartPlan) Len() int {
	raw := p.handle.mustLock()
	defer p.handle.unlock()
	return capi.PartPlanCount(raw)
}

// HasIndex reports whether the set has an index. It panics if the plan is closed.
func (p *PartPlan) HasIndex() bool {
	raw := p.handle.mustLock()
	defer p.handle.unlock()
	return capi.PartPlanHasIndex(raw) != 0
}

// Part returns what goes to a part.
func (p *PartPlan) Part(index int) (Part, error) {
	part := Part{Index: index}
	err := p.read(func(raw capi.PartPlan) error {
		var nbytes uint64
		if err := capi.PartPlanPart(&part.First, &part.Count, &nbytes, raw, index); err != nil {
			return err
		}
		part.NBytes = int64(nbytes)
		path, err := copyBuffer(func(out *capi.Buffer) error { return capi.PartPlanPath(out, raw, index) })
		part.Path = string(path)
		return err
	})
	if err != nil {
		return Part{}, err
	}
	return part, nil
}

// Parts returns an iterator over the parts. It panics if the plan is closed.
func (p *PartPlan) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		for index := range p.Len() {
			part, err := p.Part(index)
			if err != nil {
				panic(err) // the body has closed the plan
			}
			if !yield(part) {
				return
			}
		}
	}
}

// Name returns the name of an array, by the index of its declaration.
func (p *PartPlan) Name(index int) (string, error) {
	name := ""
	err := p.read(func(raw capi.PartPlan) error {
		var text capi.Text
		err := capi.PartPlanArray(&text, raw, index)
		if err == nil {
			name = text.String()
		}
		return err
	})
	return name, err
}

// Metadata returns the metadata of a part, which is empty if the part has none.
func (p *PartPlan) Metadata(index int) (metadata *Dict, err error) {
	err = p.read(func(raw capi.PartPlan) error {
		if metadata, err = makeDict(nil, func(out *capi.Dict) error { return capi.PartPlanMetadata(out, raw, index) }); err != nil {
			return err
		}
		metadata.isMetadata = true
		return nil
	})
	return metadata, err
}

// Index returns the path and the text of the index. It fails with ErrNotFound if the set has none.
func (p *PartPlan) Index() (path string, text []byte, err error) {
	err = p.read(func(raw capi.PartPlan) error {
		if text, err = copyBuffer(func(out *capi.Buffer) error { return capi.PartPlanIndex(out, raw) }); err != nil {
			return err
		}
		bytes, err := copyBuffer(func(out *capi.Buffer) error {
			return capi.PartPlanPath(out, raw, capi.PartPlanCount(raw))
		})
		path = string(bytes)
		return err
	})
	return path, text, err
}

// SaveIndex writes the index to its path. It fails with ErrNotFound if the set has none.
func (p *PartPlan) SaveIndex() (err error) {
	path, _, err := p.Index()
	if err != nil {
		return err
	}
	defer annotate(&err, "save", path)
	return p.read(func(raw capi.PartPlan) error { return capi.PartPlanSaveIndex(raw, path) })
}

// Create returns a Writer to the path of a part. Its arrays and metadata are declared. The writer does not use the
// plan.
func (p *PartPlan) Create(index int) (*Writer, error) {
	part, err := p.Part(index)
	if err != nil {
		return nil, err
	}
	return p.openPart(part, func(out *capi.Writer, raw capi.PartPlan) error {
		return capi.PartPlanOpenPart(out, raw, index, part.Path)
	})
}

// NewWriter returns a Writer of a part to an io.Writer, as Create does. See the function NewWriter.
func (p *PartPlan) NewWriter(output io.Writer, index int) (*Writer, error) {
	part, err := p.Part(index)
	if err != nil {
		return nil, err
	}
	sink, err := newSink(output)
	if err != nil {
		return nil, err
	}
	defer capi.SinkRelease(sink)
	return p.openPart(part, func(out *capi.Writer, raw capi.PartPlan) error {
		return capi.PartPlanOpenPartSink(out, raw, index, sink)
	})
}

func (p *PartPlan) openPart(part Part, call func(out *capi.Writer, raw capi.PartPlan) error) (*Writer, error) {
	var writer capi.Writer
	w := &Writer{}
	err := p.read(func(raw capi.PartPlan) error {
		w.declared = p.declared[part.First : part.First+part.Count]
		return call(&writer, raw)
	})
	if err != nil {
		return nil, err
	}
	return own(w, &w.handle, writer, capi.WriterRelease), nil
}

// copyBuffer returns a copy of the bytes of the buffer that a call returns.
func copyBuffer(call func(out *capi.Buffer) error) ([]byte, error) {
	var raw capi.Buffer
	if err := call(&raw); err != nil {
		return nil, err
	}
	defer capi.BufferRelease(raw)
	return slices.Clone(unsafe.Slice(capi.BufferData(raw), capi.BufferSize(raw))), nil
}
