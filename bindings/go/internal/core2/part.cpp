// The folder of tensorfile.cpp is in the options of core.go, which also choose the part.
#include "tensorfile.cpp"
