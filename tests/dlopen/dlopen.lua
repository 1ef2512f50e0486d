-- Opens the library by its soname with LuaJIT's FFI, saves and loads every format, checks an error, and closes it.
local ffi = require("ffi")
ffi.cdef [[
typedef struct tf_array tf_array;
typedef struct tf_dict tf_dict;
int32_t tf_array_copy_from(tf_array **out, int32_t dtype, const int64_t *shape, size_t ndim, const void *src, size_t nbytes);
const void *tf_array_data(const tf_array *array);
uint64_t tf_array_nbytes(const tf_array *array);
void tf_array_release(tf_array *array);
int32_t tf_dict_new(tf_dict **out);
int32_t tf_dict_get_array(tf_array **out, const tf_dict *dict, const char *key, size_t length);
int32_t tf_dict_set_array(tf_dict *dict, const char *key, size_t length, tf_array *array);
void tf_dict_release(tf_dict *dict);
int32_t tf_dtype_from_name(const char *name);
const char *tf_error_message(void);
int32_t tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path, const void *options);
int32_t tf_save(const char *path, const tf_array *array, const void *options);
int32_t tf_save_weights(const char *path, const tf_dict *tree, const void *options);
]]

local function mapped()
  local maps = assert(io.open("/proc/self/maps")):read("*a")
  return maps:find("libtensorfile", 1, true) ~= nil
end

local function use(lib)
  local function check(status)
    if status ~= 0 then error(ffi.string(lib.tf_error_message())) end
  end
  local function made(kind, make, ...)
    local out = ffi.new("tf_" .. kind .. " *[1]")
    check(make(out, ...))
    return ffi.gc(out[0], lib["tf_" .. kind .. "_release"])
  end

  local values = ffi.new("float[6]", 0, 0.5, 1, 1.5, 2, 2.5)
  local shape = ffi.new("int64_t[2]", 2, 3)
  local array = made("array", lib.tf_array_copy_from, lib.tf_dtype_from_name("float32"), shape, 2, values, 24)
  local function same(loaded)
    assert(lib.tf_array_nbytes(loaded) == 24)
    local data = ffi.cast("const float *", lib.tf_array_data(loaded))
    for i = 0, 5 do assert(data[i] == values[i]) end
  end

  check(lib.tf_save("lua.npy", array, nil))
  same(made("array", lib.tf_load, nil, nil, "lua.npy", nil))
  local dict = made("dict", lib.tf_dict_new)
  check(lib.tf_dict_set_array(dict, "w", 1, array))
  for _, path in ipairs { "lua.npz", "lua.safetensors", "lua.gguf" } do
    check(lib.tf_save_weights(path, dict, nil))
    local arrays = made("dict", function(out) return lib.tf_load(nil, out, nil, path, nil) end)
    same(made("array", lib.tf_dict_get_array, arrays, "w", 1))
  end

  local ok, message = pcall(made, "array", lib.tf_load, nil, nil, "nowhere.npy", nil)
  assert(not ok and message:find("nowhere.npy: no such file", 1, true), message)
end

assert(not mapped())
local lib = ffi.load("libtensorfile.so.0")
use(lib)
assert(mapped())
-- Release the objects of the library before the library itself.
collectgarbage()
collectgarbage()
lib = nil
collectgarbage()
collectgarbage()
assert(not mapped(), "the library stayed")
