package fill

import "github.com/mtflight/mtflight/protocol"

// Cut chooses the rows of a batch: whole chunks up to 3.5 MiB, larger chunks split by rows.
func (s *Scan) Cut(r protocol.Request, chunked bool) {
	if st := r.Stream; st != nil {
		s.Unordered, s.MaxWorkers = st.Unordered, st.Workers
		if st.ReadAhead != nil {
			s.ReadAhead = max(1, *st.ReadAhead)
		}
	}
	s.Aligned = r.Stream == nil && r.BatchRows == 0
	if r.Stream != nil && r.Stream.BlockRows > 0 {
		s.Size = r.Stream.BlockRows
		return
	}
	most := int64(DefaultBatch)
	if r.BatchBytes > 0 {
		most = min(r.BatchBytes, MaxBatch)
	}
	row := s.RowBytes()
	if r.SortBy != "" {
		row = max(row, RunBytes/2)
	}
	s.Size = s.BlockRows(most / row)
	if band := s.ChunkRows(); r.Stream != nil && chunked && band <= MaxBatch/row {
		s.Size = max(band, s.Size)
	}
	if r.BatchRows > 0 {
		s.Size = max(1, min(r.BatchRows, MaxBatch/row))
	}
}
