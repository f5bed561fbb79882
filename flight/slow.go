package flight

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// explainTime bounds what the log of a slow request takes; a variable for tests.
var explainTime = time.Second

// logSlow tells of a request that took longer than Config.Slow: where its time went, and how it was carried out.
func (s *Server) logSlow(ctx context.Context, took time.Duration) {
	if s.cfg.Slow <= 0 || took < s.cfg.Slow {
		return
	}
	c := callOf(ctx)
	fields := []zap.Field{zap.String("request", c.id), zap.String("kind", c.what()), zap.String("peer", c.peer), zap.String("identity", c.identity),
		zap.String("file", c.file.String()), zap.String("dataset", c.dataset.String()), zap.Duration("duration", took),
		zap.Duration("for batches", time.Duration(c.reading.Load())), zap.Duration("for its client", time.Duration(c.sending.Load())),
		zap.Int64("rows", c.rows.Load()), zap.Int64("bytes", c.bytes.Load())}
	if c.plan != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), explainTime) // the client may have left
		defer cancel()
		if x, err := c.plan.Explain(ctx); err == nil {
			fields = append(fields, zap.Strings("plan", x.Words))
		}
	}
	s.log.Warn("slow request", fields...)
}
