package tensorfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestPermissionErrorsAreThoseOfOs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npz")
	dict := NewDict()
	ok(t, dict.Set("x", 1))
	ok(t, Save(path, dict, nil))
	ok(t, os.Chmod(path, 0))
	if os.Getuid() == 0 { // root may read everything, but not as another user; only this thread becomes one
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		setUser := func(id uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, id, 0, 0) }
		setUser(65534)
		defer setUser(0)
	}
	for _, use := range []func() error{
		func() error { _, err := Load(path); return err },
		func() error { _, err := Open(path); return err },
		func() error { _, err := OpenSource(path); return err },
	} {
		err := use()
		fails(t, err, ErrIO)
		var pathError *fs.PathError
		if !errors.Is(err, os.ErrPermission) || !errors.As(err, &pathError) || pathError.Path != path {
			t.Error(err)
		}
	}
}
