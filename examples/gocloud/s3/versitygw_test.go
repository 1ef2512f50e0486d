//go:build versitygw

package s3_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocloud "example.com/gocloud"
	"github.com/aws/aws-sdk-go-v2/aws"
	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// startServer starts the program that the variable VERSITYGW names, a server with the API of S3.
func startServer(t *testing.T) gocloud.Store {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	folder := t.TempDir()
	bucket, sidecar := filepath.Join(folder, "data", "bucket"), filepath.Join(folder, "sidecar")
	if err := errors.Join(os.MkdirAll(bucket, 0o755), os.Mkdir(sidecar, 0o755)); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(os.Getenv("VERSITYGW"), "--port", address, "--access", "AKIDEXAMPLE", "--secret", "secret",
		"--quiet", "posix", "--sidecar", sidecar, filepath.Dir(bucket))
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return connect(t, "http://"+address, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
	}))
}

func TestServer(t *testing.T) {
	store := startServer(t)
	first, second := slices.Repeat([]float32{1.5}, 1000), slices.Repeat([]float32{2.5}, 1000)
	arrays := tensorfile.NewDict()
	if err := errors.Join(arrays.Set("a", first), arrays.Set("b", second)); err != nil {
		t.Fatal(err)
	}
	save := func() error {
		return store.Save(t.Context(), "a b/w=1.safetensors", arrays, nil, tensorfile.WithPartBytes(4000))
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	file, err := store.Open(t.Context(), "a b/w=1.safetensors.index.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, want := range map[string][]float32{"a": first, "b": second} {
		got, _, err := tensorfile.Read[float32](file, name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	if _, err := store.Open(t.Context(), "none.npz"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error for a missing object is %v", err)
	}
	// A version with other elements, within the same second.
	if err := errors.Join(arrays.Set("a", second), save()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tensorfile.Read[float32](file, "a"); !errors.Is(err, gocloud.ErrChanged) {
		t.Errorf("the error for an object that changed is %v", err)
	}
}
