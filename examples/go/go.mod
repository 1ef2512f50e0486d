module example.com/game

go 1.24

require github.com/tensorfile/tensorfile/bindings/go v0.0.0

replace github.com/tensorfile/tensorfile/bindings/go => ../../bindings/go
