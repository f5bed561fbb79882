package objectstore

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cmp"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/mtflight/mtflight/internal/fault"
)

// nothing is the SHA-256 of a request without a body.
const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// options are those of a root's URL.
type options struct {
	endpoint, region        string
	pathStyle               bool
	anonymous, requesterPay bool
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func newS3(u *url.URL, prefix string) (*Root, error) {
	if !bucketName.MatchString(u.Host) || strings.Contains(u.Host, "..") {
		return nil, fault.New(fault.Invalid, "the store's address names no bucket: write s3://BUCKET/PREFIX")
	}
	o, err := newOptions(u)
	if err != nil {
		return nil, err
	}
	top, err := o.top(u.Host)
	if err != nil {
		return nil, err
	}
	r := &Root{scheme: "s3", bucket: u.Host, top: top, prefix: prefix, client: client()}
	if o.requesterPay {
		r.header = http.Header{"X-Amz-Request-Payer": {"requester"}}
	}
	if !o.anonymous {
		r.sign = signature(r.Name(), o.region)
	}
	return r, nil
}

func newOptions(u *url.URL) (o options, err error) {
	o.endpoint = cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	o.region = cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return o, fault.New(fault.Invalid, "s3://%s: what is behind the question mark is not NAME=VALUE&...", u.Host)
	}
	if q.Has("endpoint") {
		o.endpoint = q.Get("endpoint")
	}
	if q.Has("region") {
		o.region = q.Get("region")
	}
	o.pathStyle = o.endpoint != "" || strings.Contains(u.Host, ".") // a certificate has no names with dots
	flags := map[string]*bool{"path_style": &o.pathStyle, "anonymous": &o.anonymous, "requester_pays": &o.requesterPay}
	for name, values := range q {
		flag := flags[name]
		if flag == nil {
			if name != "endpoint" && name != "region" {
				return o, fault.New(fault.Invalid, "s3://%s: no such option: there are endpoint, region, path_style, anonymous and requester_pays", u.Host)
			}
			continue
		}
		if *flag, err = strconv.ParseBool(cmp.Or(values[0], "true")); err != nil {
			return o, fault.New(fault.Invalid, "s3://%s: the option %s is true or false", u.Host, name)
		}
	}
	return o, nil
}

// regionName is one that may be part of a host's name.
var regionName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// top is the URL that the keys of a bucket are below.
func (o options) top(bucket string) (url.URL, error) {
	if !regionName.MatchString(o.region) {
		return url.URL{}, fault.New(fault.Invalid, "s3://%s: the region is none: it is a name like eu-central-1", bucket)
	}
	endpoint := cmp.Or(o.endpoint, "https://s3."+o.region+".amazonaws.com"+domain(o.region))
	e, err := url.Parse(endpoint)
	if err != nil || e.Host == "" || !slices.Contains([]string{"http", "https"}, e.Scheme) || e.User != nil || e.RawQuery != "" || strings.Trim(e.Path, "/") != "" {
		return url.URL{}, fault.New(fault.Invalid, "s3://%s: the endpoint is not http://HOST:PORT or https://HOST:PORT", bucket)
	}
	if o.pathStyle {
		return url.URL{Scheme: e.Scheme, Host: e.Host, Path: "/" + bucket}, nil
	}
	return url.URL{Scheme: e.Scheme, Host: bucket + "." + e.Host}, nil
}

// domain is what the hosts of a region end with.
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return ".cn"
	}
	return ""
}

// signature signs requests by the credentials there are: of the environment, of AWS' files, of a web identity, a container or an instance.
func signature(name, region string) func(context.Context, *http.Request) (*http.Request, error) {
	chain := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
	if !strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") || os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		chain = append(chain, &credentials.IAM{Region: region})
	}
	creds := credentials.NewChainCredentials(chain)
	alone := &http.Client{Timeout: 5 * time.Second} // it alone may ask a link-local address
	return func(_ context.Context, req *http.Request) (*http.Request, error) {
		v, err := creds.GetWithContext(&credentials.CredContext{Client: alone})
		if err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" { // whose text may tell too much
			return nil, fault.New(fault.Denied, "%s: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or add ?anonymous=true to the address of a public bucket", name)
		}
		return signer.SignV4(*req, v.AccessKeyID, v.SecretAccessKey, v.SessionToken, region), nil
	}
}

// escaped is a path as signatures have it.
func escaped(path string) string { return s3utils.EncodePath(path) }
