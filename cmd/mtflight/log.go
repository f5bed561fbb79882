package main

import (
	"io"

	"go.uber.org/zap"
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
	return zapcore.NewConsoleEncoder(c)
}
