package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/internal/fault"
)

func newHealth() *cobra.Command {
	var timeout time.Duration
	var remote remoteFlags
	c := &cobra.Command{
		Use:   "health [grpc://HOST:PORT]",
		Short: "Ask a server whether it serves (for a container's HEALTHCHECK)",
		Args:  between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			location := append(args, serve.Location)[0]
			status, err := health(ctx, location, remote)
			if err != nil {
				return err
			}
			if status != healthpb.HealthCheckResponse_SERVING {
				return fault.New(fault.Unavailable, "health: %s says %s", location, status)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), status)
			return err
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait")
	remote.add(c)
	return c
}

func health(ctx context.Context, location string, f remoteFlags) (healthpb.HealthCheckResponse_ServingStatus, error) {
	target, err := client.Target(location)
	if err != nil {
		return 0, err
	}
	transport, err := f.transport(location)
	if err != nil {
		return 0, err
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(transport))
	if err != nil {
		return 0, fault.New(fault.Invalid, "health: %w", err)
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return 0, client.Unanswered(location, err)
	}
	return answer.GetStatus(), nil
}
