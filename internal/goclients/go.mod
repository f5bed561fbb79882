module github.com/mtflight/mtflight/internal/goclients

go 1.26.0

require (
	github.com/apache/arrow-adbc/go/adbc v1.8.0
	github.com/apache/arrow-go/v18 v18.8.0
	github.com/mtflight/mtflight v0.0.0
	github.com/mtflight/mtflight/flight/client/arrow18 v0.0.0
	github.com/stretchr/testify v1.12.1
	google.golang.org/grpc v1.85.0
)

replace (
	github.com/mtflight/mtflight => ../..
	github.com/mtflight/mtflight/flight/client/arrow18 => ../../flight/client/arrow18
)
