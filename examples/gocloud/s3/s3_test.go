package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	gocloud "example.com/gocloud"
	"example.com/gocloud/s3"
	"github.com/aws/aws-sdk-go-v2/aws"
	aws_s3 "github.com/aws/aws-sdk-go-v2/service/s3"
	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
	"gocloud.dev/blob/s3blob"
)

// A .npy file, as its specification describes it: 8 bytes from 1 to 8, and another version of it.
var versions = [2][]byte{npy(1, 2, 3, 4, 5, 6, 7, 8), npy(8, 7, 6, 5, 4, 3, 2, 1)}

func npy(elements ...byte) []byte {
	header := "{'descr': '|u1', 'fortran_order': False, 'shape': (8,), }"
	header += string(bytes.Repeat([]byte{' '}, 128-10-1-len(header))) + "\n"
	return slices.Concat([]byte("\x93NUMPY\x01\x00\x76\x00"), []byte(header), elements)
}

// server answers as S3 does: with ranges, ETags and If-Match, and times in seconds.
type server struct {
	version atomic.Int32 // that of m.npy, the only object
	sizes   atomic.Int32 // requests for the attributes, which have no content
	ranges  atomic.Int32 // all other requests
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		s.sizes.Add(1)
	} else {
		s.ranges.Add(1)
	}
	if r.URL.Path != "/bucket/m.npy" {
		http.NotFound(w, r)
		return
	}
	version := s.version.Load()
	w.Header().Set("ETag", []string{`"one"`, `"two"`}[version])
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(versions[version]))
}

// expectRequests fails unless there were that many since the last call.
func (s *server) expectRequests(t *testing.T, sizes, ranges int32) {
	t.Helper()
	if gotSizes, gotRanges := s.sizes.Swap(0), s.ranges.Swap(0); gotSizes != sizes || gotRanges != ranges {
		t.Errorf("%d requests for sizes and %d for ranges instead of %d and %d", gotSizes, gotRanges, sizes, ranges)
	}
}

func start(t *testing.T) (*server, gocloud.Store) {
	t.Helper()
	s := new(server)
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return s, connect(t, listening.URL, aws.AnonymousCredentials{})
}

func connect(t *testing.T, endpoint string, credentials aws.CredentialsProvider) gocloud.Store {
	t.Helper()
	client := aws_s3.New(aws_s3.Options{BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials, Retryer: aws.NopRetryer{}})
	bucket, err := s3blob.OpenBucket(t.Context(), client, "bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	return gocloud.Store{Bucket: bucket, IfMatch: s3.IfMatch}
}

func TestChanges(t *testing.T) {
	server, store := start(t)
	file, err := store.Open(t.Context(), "m.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	server.expectRequests(t, 1, 1)
	elements, _, err := tensorfile.Read[uint8](file, "")
	if err != nil || !slices.Equal(elements, versions[0][128:]) {
		t.Errorf("read %v, %v", elements, err)
	}
	server.expectRequests(t, 0, 1)
	server.version.Store(1)
	if _, _, err := tensorfile.Read[uint8](file, ""); !errors.Is(err, gocloud.ErrChanged) {
		t.Errorf("the error is %v", err)
	}
	server.expectRequests(t, 0, 1)
}

func TestMissing(t *testing.T) {
	_, store := start(t)
	if _, err := store.Open(t.Context(), "none.npy"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}

func TestContext(t *testing.T) {
	_, store := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	file, err := store.Open(ctx, "m.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cancel()
	if _, _, err := tensorfile.Read[uint8](file, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
