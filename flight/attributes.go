package flight

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/reader"
)

// attributesRequest is the body of the action attributes.
type attributesRequest struct {
	file, object string
	names        []string // nil: all
	format       string   // "json", "arrow"
}

func parseAttributes(body []byte) (r attributesRequest, err error) {
	o, err := strict.Parse("attributes", body)
	if err != nil {
		return r, err
	}
	if err := o.BindAll("attributes", "", map[string]strict.Bind{
		"file": strict.Text(&r.file), "object": strict.Text(&r.object), "names": strict.Names(&r.names), "format": strict.Choice(&r.format, "json", "arrow"),
	}); err != nil {
		return r, err
	}
	if r.file == "" || r.object == "" {
		return r, fault.New(fault.Invalid, "attributes: members file and object are required")
	}
	return r, nil
}

// attributes gives an object's attributes whole, in one result.
func (s *Server) attributes(ctx context.Context, body []byte, answer func(any) error) error {
	r, err := parseAttributes(body)
	if err != nil {
		return err
	}
	f, err := s.open(ctx, r.file)
	if err != nil {
		return err
	}
	callOf(ctx).dataset.set(r.object)
	a, err := f.Attributes(ctx, r.object, r.names)
	if err != nil {
		return err
	}
	defer a.Close()
	var out []byte
	if r.format == "arrow" {
		out, err = arrowStream(ctx, a, memory.DefaultAllocator)
	} else {
		out, err = a.JSON(ctx)
	}
	if err != nil {
		return err
	}
	return answer(encoded(out))
}

// arrowStream is attributes as an Arrow IPC stream of one record.
func arrowStream(ctx context.Context, a *reader.AttributeSet, mem memory.Allocator) ([]byte, error) {
	rec, err := a.Record(ctx, mem)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()), ipc.WithAllocator(mem))
	err = w.Write(rec)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("flight: encode attributes: %w", err)
	}
	return out.Bytes(), nil
}
