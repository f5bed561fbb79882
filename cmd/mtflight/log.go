package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
)

// newLoggers write readable lines to a terminal and JSON elsewhere: a logger of the level, and one that leaves out no call.
func newLoggers(level string, w io.Writer) (log, audit *zap.Logger, err error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "serve: --log-level %q: choose debug, info, warn or error", level)
	}
	to := zapcore.Lock(zapcore.AddSync(w))
	of := func(l zapcore.Level) *zap.Logger { return zap.New(zapcore.NewCore(logEncoder(terminal.Of(w)), to, l)) }
	return of(parsed), of(min(parsed, zapcore.InfoLevel)), nil
}

func logEncoder(s terminal.Screen) zapcore.Encoder {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.ISO8601TimeEncoder
	if !s.Terminal {
		return zapcore.NewJSONEncoder(c)
	}
	c.EncodeTime, c.ConsoleSeparator = zapcore.TimeEncoderOfLayout("15:04:05.000"), "  "
	if c.EncodeLevel = zapcore.CapitalLevelEncoder; s.Coloured() {
		c.EncodeLevel = zapcore.CapitalColorLevelEncoder
	}
	return readable{zapcore.NewConsoleEncoder(c)}
}

// readable writes the fields of a line as name=value, without those that are empty or zero.
type readable struct{ zapcore.Encoder }

func (r readable) Clone() zapcore.Encoder { return readable{r.Encoder.Clone()} }

func (r readable) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	for _, f := range fields {
		if value := fieldText(f); value != "" {
			e.Message += "  " + f.Key + "=" + value
		}
	}
	return r.Encoder.EncodeEntry(e, nil)
}

// fieldText is a field's value, quoted where it has blanks or what is not printed; "" of what says nothing.
func fieldText(f zapcore.Field) string {
	m := zapcore.NewMapObjectEncoder()
	f.AddTo(m)
	var text string
	switch v := m.Fields[f.Key].(type) {
	case nil:
	case time.Duration:
		text = v.Round(10 * time.Microsecond).String()
	default:
		text = fmt.Sprint(v)
	}
	if text == "0" {
		return ""
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c == ' ' || c == '"' || !unicode.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}
