package console

import (
	"context"
	"io/fs"
	"net/http"
	"os"

	"golang.org/x/net/webdav"
)

// newStock serves Swagger UI's files in the form that gin-swagger takes.
func newStock(files fs.FS) *webdav.Handler {
	return &webdav.Handler{FileSystem: readOnly{http.FS(files)}, LockSystem: webdav.NewMemLS()}
}

// readOnly is a webdav.FileSystem that nobody can write to.
type readOnly struct{ http.FileSystem }

func (r readOnly) OpenFile(_ context.Context, name string, _ int, _ os.FileMode) (webdav.File, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	return readOnlyFile{f}, nil
}

func (r readOnly) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	f, err := r.OpenFile(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return f.Stat()
}

func (readOnly) Mkdir(context.Context, string, os.FileMode) error { return fs.ErrPermission }
func (readOnly) RemoveAll(context.Context, string) error          { return fs.ErrPermission }
func (readOnly) Rename(context.Context, string, string) error     { return fs.ErrPermission }

type readOnlyFile struct{ http.File }

func (readOnlyFile) Write([]byte) (int, error) { return 0, fs.ErrPermission }
