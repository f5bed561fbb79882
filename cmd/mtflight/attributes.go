package main

import (
	"math"

	"github.com/spf13/cobra"
)

func newAttributes() *cobra.Command {
	var from sourceFlags
	c := &cobra.Command{
		Use:   "attributes [grpc://HOST:PORT] FILE OBJECT [NAME...]",
		Short: "Give attributes of a group, dataset or committed type whole, as JSON",
		Example: `  mtflight attributes run7.h5 /
  mtflight attributes run7.h5 /events units comment`,
		Args:              placed(2, 2, math.MaxInt-1),
		ValidArgsFunction: completeObjects,
		RunE: func(c *cobra.Command, args []string) error {
			return at(c, args, from, func(s source, rest []string) error {
				text, err := s.attributes(c.Context(), rest[0], rest[1], rest[2:])
				if err != nil {
					return err
				}
				return writeJSON(c.OutOrStdout(), text)
			})
		},
	}
	from.add(c)
	return c
}
