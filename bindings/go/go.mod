module github.com/tensorfile/tensorfile/bindings/go

go 1.24
