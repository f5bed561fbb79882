package output

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
	"github.com/mtflight/mtflight/internal/sink"
)

// Where says what rows become: of which format (but Table), with which compression, in the file of which name ("": standard output).
type Where struct{ Format, Codec, Name string }

// Save writes all rows, of which there are total (-1: not known), and says how many there were where they do not go to the terminal.
func Save(c *cobra.Command, rows array.RecordReader, total int64, to Where) (err error) {
	out, err := Open(to.Name, c.OutOrStdout())
	if err != nil {
		return err
	}
	defer func() { err = out.Finish(err) }()
	s, err := sink.New(to.Format, to.Codec, out.Writer, rows.Schema(), total)
	if err != nil {
		return err
	}
	p := NewProgress(c.ErrOrStderr(), to.Name != "" || to.Format == "none", total)
	if err := Copy(s, rows, -1, p); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return report(c, to, p)
}

func report(c *cobra.Command, to Where, p *Progress) error {
	switch {
	case to.Format == "none":
		_, err := fmt.Fprintf(c.OutOrStdout(), "%d rows, %s, %s/s\n", p.rows, values.Bytes(p.bytes), values.Bytes(p.rate()))
		return err
	case to.Name != "" && to.Name != "-":
		_, err := fmt.Fprintf(c.ErrOrStderr(), "%s: %d rows, %s, %s/s\n", to.Name, p.rows, values.Bytes(p.bytes), values.Bytes(p.rate()))
		return err
	}
	return nil
}
