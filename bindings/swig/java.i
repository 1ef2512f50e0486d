/* Java: one package-private class of static functions with the names of C. Handles and addresses are longs, and text is
   UTF-8 in byte[] (the strings of JNI use a modified UTF-8). The C code of a function that fails throws the Java
   exception, since it runs on the thread that has the error record. The public classes are written by hand. */
%javaconst(1);
%pragma(java) moduleclassmodifiers="final class"
%pragma(java) jniclassclassmodifiers="final class"
%pragma(java) constantsmodifiers="interface"
%pragma(java) jniclasscode=%{
  static {
    NativeLoader.load();
  }
%}

/* Only tf_java_throw() below reads these. */
%ignore tf_error_message;
%ignore tf_error_offset;
%ignore tf_error_name;
%ignore tf_error_status;
%ignore tf_error_system;
/* A callback of Java throws an exception, which the call throws as it is. */
%ignore tf_error_set;
/* Not useful in Java; bindings/java/not-covered.txt has the reasons. */
%ignore tf_options_set_allocator;
%ignore tf_array_new_with;
%ignore tf_dict_new_with;
%ignore tf_options_set_executor;
%ignore tf_source_from_fd;
%ignore tf_array_to_dlpack;
%ignore tf_array_to_dlpack_unversioned;
%ignore tf_array_from_dlpack;
%ignore tf_array_from_dlpack_unversioned;
%ignore tf_edit_new;
%ignore tf_edit_rename;
%ignore tf_edit_remove;
%ignore tf_edit_set_metadata;
%ignore tf_edit_finish;
%ignore tf_edit_size;
%ignore tf_edit_patch_bytes;
%ignore tf_edit_run_count;
%ignore tf_edit_run;
%ignore tf_edit_save;
%ignore tf_edit_save_sink;
%ignore tf_edit_retain;
%ignore tf_edit_release;
/* Its C expression is not valid in Java. */
%ignore TENSORFILE_SLICE_OMITTED;
/* Function types have no equivalent in Java; parameters of these types have typemaps. */
%ignore tf_release_fn;
%ignore tf_read_at_fn;
%ignore tf_map_fn;
%ignore tf_write_fn;
%ignore tf_progress_fn;
%ignore tf_read_complete_fn;
%ignore tf_resolve_source_fn;
%ignore tf_commit_fn;
%ignore tf_abort_fn;
%ignore tf_resolve_sink_fn;
%ignore tf_job_fn;
%ignore tf_executor_fn;
%ignore tf_alloc_fn;
%ignore tf_free_fn;

%{
#include <errno.h>

_Static_assert(TENSORFILE_SLICE_OMITTED == INT64_MIN, "Slice.OMITTED in Slice.java must have the same value");

/* Statuses from here on identify exceptions of callbacks, which Callbacks.java stores. */
enum { TF_JAVA_FIRST_EXCEPTION = 0x40000000 };
/* Maximum number of bytes that one callback transfers. */
enum { TF_JAVA_PIECE = 1 << 20 };

static JavaVM *tf_java_vm;
static jclass tf_java_failures, tf_java_callbacks;
static jmethodID tf_java_failure, tf_java_record, tf_java_take, tf_java_read, tf_java_recycle, tf_java_map,
    tf_java_write_buffer, tf_java_write, tf_java_progress, tf_java_complete,
    tf_java_resolve, tf_java_commit, tf_java_abort, tf_java_open_part;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  JNIEnv *env = NULL;
  jclass found = NULL;
  (void)reserved;
  tf_java_vm = vm;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK) return JNI_ERR;
  if (!(found = (*env)->FindClass(env, "org/tensorfile/Failures"))) return JNI_ERR;
  if (!(tf_java_failures = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  if (!(found = (*env)->FindClass(env, "org/tensorfile/Callbacks"))) return JNI_ERR;
  if (!(tf_java_callbacks = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  const struct {
    jmethodID *id;
    jclass of;
    const char *name, *signature;
  } methods[] = {
      {&tf_java_failure, tf_java_failures, "of", "(IZ[BJ[BI)Ljava/lang/Throwable;"},
      {&tf_java_record, tf_java_callbacks, "record", "(Ljava/lang/Throwable;)I"},
      {&tf_java_take, tf_java_callbacks, "take", "(I)Ljava/lang/Throwable;"},
      {&tf_java_read, tf_java_callbacks, "read", "(Ljava/lang/Object;JI)Ljava/nio/ByteBuffer;"},
      {&tf_java_recycle, tf_java_callbacks, "recycle", "(Ljava/lang/Object;Ljava/nio/ByteBuffer;)V"},
      {&tf_java_map, tf_java_callbacks, "map", "(Ljava/lang/Object;JJ)Ljava/nio/ByteBuffer;"},
      {&tf_java_write_buffer, tf_java_callbacks, "writeBuffer", "(Ljava/lang/Object;I)Ljava/nio/ByteBuffer;"},
      {&tf_java_write, tf_java_callbacks, "write", "(Ljava/lang/Object;)V"},
      {&tf_java_progress, tf_java_callbacks, "progress", "(Ljava/lang/Object;JJ)Z"},
      {&tf_java_complete, tf_java_callbacks, "complete", "(Ljava/lang/Object;J)V"},
      {&tf_java_resolve, tf_java_callbacks, "resolve", "(Ljava/lang/Object;[B)J"},
      {&tf_java_commit, tf_java_callbacks, "commit", "(Ljava/lang/Object;)V"},
      {&tf_java_abort, tf_java_callbacks, "abort", "(Ljava/lang/Object;)V"},
      {&tf_java_open_part, tf_java_callbacks, "openPart", "(Ljava/lang/Object;[B)J"},
  };
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); ++i) {
    *methods[i].id = (*env)->GetStaticMethodID(env, methods[i].of, methods[i].name, methods[i].signature);
    if (!*methods[i].id) return JNI_ERR;
  }
  return JNI_VERSION_1_8;
}

JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
  JNIEnv *env = NULL;
  (void)reserved;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK) return;
  (*env)->DeleteGlobalRef(env, tf_java_failures);
  (*env)->DeleteGlobalRef(env, tf_java_callbacks);
}

/* The JNI environment of a thread. Threads of the library are attached to the JVM for the duration of a callback. */
struct tf_java_entry {
  JNIEnv *env;
  int attached;
};

static struct tf_java_entry tf_java_enter(void) {
  struct tf_java_entry entry = {NULL, 0};
  if ((*tf_java_vm)->GetEnv(tf_java_vm, (void **)&entry.env, JNI_VERSION_1_8) == JNI_OK) return entry;
  entry.env = NULL;
  entry.attached = (*tf_java_vm)->AttachCurrentThreadAsDaemon(tf_java_vm, (void **)&entry.env, NULL) == JNI_OK;
  return entry;
}

static void tf_java_leave(struct tf_java_entry entry) {
  if (entry.attached) (*tf_java_vm)->DetachCurrentThread(tf_java_vm);
}

/* Returns the status that identifies the exception of a Java method, or OK if there is none. */
static tf_status tf_java_thrown(JNIEnv *env) {
  jthrowable thrown = (*env)->ExceptionOccurred(env);
  if (!thrown) return TF_STATUS_OK;
  (*env)->ExceptionClear(env);
  tf_status status = (*env)->CallStaticIntMethod(env, tf_java_callbacks, tf_java_record, thrown);
  if ((*env)->ExceptionCheck(env)) {
    (*env)->ExceptionClear(env);
    status = TF_STATUS_OUT_OF_MEMORY;
  }
  (*env)->DeleteLocalRef(env, thrown);
  return status;
}

/* Retains an object, which may be null, until tf_java_drop(). */
static int tf_java_keep(JNIEnv *env, jobject object, void **kept) {
  *kept = object ? (*env)->NewGlobalRef(env, object) : NULL;
  if (!object || *kept) return 1;
  SWIG_JavaThrowException(env, SWIG_JavaOutOfMemoryError, "cannot create a global reference");
  return 0;
}

static void tf_java_drop(void *user) {
  const struct tf_java_entry entry = tf_java_enter();
  if (entry.env) (*entry.env)->DeleteGlobalRef(entry.env, (jobject)user);
  tf_java_leave(entry);
}

static tf_status tf_java_read_piece(JNIEnv *env, jobject source, uint64_t offset, char *dst, jint nbytes) {
  jobject bytes = (*env)->CallStaticObjectMethod(env, tf_java_callbacks, tf_java_read, source, (jlong)offset, nbytes);
  const tf_status status = tf_java_thrown(env);
  if (status != TF_STATUS_OK) return status;
  memcpy(dst, (*env)->GetDirectBufferAddress(env, bytes), (size_t)nbytes);
  (*env)->CallStaticVoidMethod(env, tf_java_callbacks, tf_java_recycle, source, bytes);
  (*env)->DeleteLocalRef(env, bytes);
  return tf_java_thrown(env);
}

static tf_status tf_java_read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  const struct tf_java_entry entry = tf_java_enter();
  tf_status status = entry.env ? TF_STATUS_OK : TF_STATUS_OUT_OF_MEMORY;
  for (size_t done = 0; status == TF_STATUS_OK && done < nbytes;) {
    const jint piece = nbytes - done < TF_JAVA_PIECE ? (jint)(nbytes - done) : TF_JAVA_PIECE;
    status = tf_java_read_piece(entry.env, (jobject)user, offset + done, (char *)dst + done, piece);
    done += (size_t)piece;
  }
  tf_java_leave(entry);
  return status;
}

/* Callbacks.map retains the buffer that it returns as long as the source exists. */
static tf_status tf_java_map_range(void *user, uint64_t offset, uint64_t nbytes, const void **out) {
  const struct tf_java_entry entry = tf_java_enter();
  JNIEnv *env = entry.env;
  *out = NULL;
  if (!env) return TF_STATUS_OUT_OF_MEMORY;
  jobject bytes =
      (*env)->CallStaticObjectMethod(env, tf_java_callbacks, tf_java_map, (jobject)user, (jlong)offset, (jlong)nbytes);
  const tf_status status = tf_java_thrown(env);
  if (bytes) {
    *out = (*env)->GetDirectBufferAddress(env, bytes);
    (*env)->DeleteLocalRef(env, bytes);
  }
  tf_java_leave(entry);
  return status;
}

static tf_status tf_java_write_piece(JNIEnv *env, jobject sink, const char *src, jint nbytes) {
  jobject buffer = (*env)->CallStaticObjectMethod(env, tf_java_callbacks, tf_java_write_buffer, sink, nbytes);
  const tf_status status = tf_java_thrown(env);
  if (status == TF_STATUS_OK) memcpy((*env)->GetDirectBufferAddress(env, buffer), src, (size_t)nbytes);
  if (buffer) (*env)->DeleteLocalRef(env, buffer);
  if (status != TF_STATUS_OK) return status;
  (*env)->CallStaticVoidMethod(env, tf_java_callbacks, tf_java_write, sink);
  return tf_java_thrown(env);
}

static tf_status tf_java_write_all(void *user, const void *src, size_t nbytes) {
  const struct tf_java_entry entry = tf_java_enter();
  tf_status status = entry.env ? TF_STATUS_OK : TF_STATUS_OUT_OF_MEMORY;
  for (size_t done = 0; status == TF_STATUS_OK && done < nbytes;) {
    const jint piece = nbytes - done < TF_JAVA_PIECE ? (jint)(nbytes - done) : TF_JAVA_PIECE;
    status = tf_java_write_piece(entry.env, (jobject)user, (const char *)src + done, piece);
    done += (size_t)piece;
  }
  tf_java_leave(entry);
  return status;
}

static tf_status tf_java_report(void *user, uint64_t done, uint64_t total) {
  const struct tf_java_entry entry = tf_java_enter();
  JNIEnv *env = entry.env;
  if (!env) return TF_STATUS_OUT_OF_MEMORY;
  const jboolean proceed = (*env)->CallStaticBooleanMethod(env, tf_java_callbacks, tf_java_progress, (jobject)user,
                                                         (jlong)done, (jlong)total);
  const tf_status status = tf_java_thrown(env);
  tf_java_leave(entry);
  return status == TF_STATUS_OK && !proceed ? TF_STATUS_CANCELLED : status;
}

static tf_status tf_java_entry_complete(void *user, size_t entry) {
  const struct tf_java_entry here = tf_java_enter();
  JNIEnv *env = here.env;
  if (!env) return TF_STATUS_OUT_OF_MEMORY;
  (*env)->CallStaticVoidMethod(env, tf_java_callbacks, tf_java_complete, (jobject)user, (jlong)entry);
  const tf_status status = tf_java_thrown(env);
  tf_java_leave(here);
  return status;
}

static jbyteArray tf_java_bytes(JNIEnv *env, const char *text, size_t length) {
  if (length > INT32_MAX) {
    SWIG_JavaThrowException(env, SWIG_JavaOutOfMemoryError, "the text is too long for a Java array");
    return NULL;
  }
  jbyteArray bytes = (*env)->NewByteArray(env, (jsize)length);
  if (bytes) (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)length, (const jbyte *)text);
  return bytes;
}

/* Calls a method that returns a reference to the source or sink with a name, or 0 if there is none. */
static tf_status tf_java_by_name(void **out, jmethodID method, void *user, const char *name) {
  const struct tf_java_entry entry = tf_java_enter();
  JNIEnv *env = entry.env;
  *out = NULL;
  if (!env) return TF_STATUS_OUT_OF_MEMORY;
  jbyteArray bytes = tf_java_bytes(env, name, strlen(name));
  if (bytes) {
    *out = (void *)(intptr_t)(*env)->CallStaticLongMethod(env, tf_java_callbacks, method, (jobject)user, bytes);
  }
  const tf_status status = tf_java_thrown(env);
  if (bytes) (*env)->DeleteLocalRef(env, bytes);
  tf_java_leave(entry);
  return status == TF_STATUS_OK && !*out ? TF_STATUS_NOT_FOUND : status;
}

static tf_status tf_java_resolve_source(void *user, const char *name, tf_source **out) {
  return tf_java_by_name((void **)out, tf_java_resolve, user, name);
}

static tf_status tf_java_resolve_sink(void *user, const char *name, tf_sink **out) {
  return tf_java_by_name((void **)out, tf_java_open_part, user, name);
}

static tf_status tf_java_end(jmethodID method, void *user) {
  const struct tf_java_entry entry = tf_java_enter();
  if (!entry.env) return TF_STATUS_OUT_OF_MEMORY;
  (*entry.env)->CallStaticVoidMethod(entry.env, tf_java_callbacks, method, (jobject)user);
  const tf_status status = tf_java_thrown(entry.env);
  tf_java_leave(entry);
  return status;
}

static tf_status tf_java_commit_sink(void *user) {
  return tf_java_end(tf_java_commit, user);
}

static void tf_java_abort_sink(void *user) {
  (void)tf_java_end(tf_java_abort, user);
}

static void tf_java_throw_created(JNIEnv *env, jobject exception) {
  if (exception && !(*env)->ExceptionCheck(env)) (*env)->Throw(env, (jthrowable)exception);
}

/* Returns the ordinal of Failures.Reason for the last failure on this thread. */
static jint tf_java_reason(void) {
  enum { NONE, MISSING, DENIED, OTHER };
  switch (tf_error_system()) {
    case 0:
      return NONE;
#ifdef _WIN32
    case 2: /* ERROR_FILE_NOT_FOUND */
    case 3: /* ERROR_PATH_NOT_FOUND */
      return MISSING;
    case 5: /* ERROR_ACCESS_DENIED */
      return DENIED;
#else
    case ENOENT:
      return MISSING;
    case EACCES:
    case EPERM:
      return DENIED;
#endif
    default:
      return OTHER;
  }
}

/* Throws the exception of a failed call: that of a callback, or one created from the error record. */
static void tf_java_throw(JNIEnv *env, tf_status status, jboolean of_file) {
  if (status >= TF_JAVA_FIRST_EXCEPTION) {
    jobject exception = (*env)->CallStaticObjectMethod(env, tf_java_callbacks, tf_java_take, (jint)status);
    if ((*env)->ExceptionCheck(env)) return;
    if (exception) {
      tf_java_throw_created(env, exception);
      return;
    }
  }
  const char *message = tf_error_message();
  const char *name = tf_error_name();
  const jlong offset = (jlong)tf_error_offset();
  const jint reason = tf_java_reason();
  jbyteArray message_bytes = tf_java_bytes(env, message, strlen(message));
  if (!message_bytes) return;
  jbyteArray name_bytes = tf_java_bytes(env, name, strlen(name));
  if (!name_bytes) return;
  tf_java_throw_created(env, (*env)->CallStaticObjectMethod(env, tf_java_failures, tf_java_failure, (jint)status, of_file,
                                                         message_bytes, offset, name_bytes, reason));
}

static jlongArray tf_java_longs(JNIEnv *env, const int64_t *numbers, size_t count) {
  if (!numbers) return NULL;
  jlongArray longs = (*env)->NewLongArray(env, (jsize)count);
  if (longs) (*env)->SetLongArrayRegion(env, longs, 0, (jsize)count, (const jlong *)numbers);
  return longs;
}
%}

/* Sizes and offsets are below 2^63, except for UINT64_MAX, which is -1 in Java. */
%apply long long { uint64_t };
%typemap(jni) size_t "jlong"
%typemap(jtype) size_t "long"
%typemap(jstype) size_t "long"

/* Handles and addresses. */
%define TF_ADDRESS(T)
%typemap(jni) T "jlong"
%typemap(jtype) T "long"
%typemap(jstype) T "long"
%typemap(javain) T "$javainput"
%typemap(javaout) T { return $jnicall; }
%typemap(in) T "$1 = ($1_ltype)(intptr_t)$input;"
%typemap(out) T "$result = (jlong)(intptr_t)$1;"
%typemap(freearg) T ""
%enddef
TF_ADDRESS(void *)
TF_ADDRESS(const void *)
%define TF_HANDLE(T)
TF_ADDRESS(T *)
TF_ADDRESS(const T *)
/* The object that a call creates is its result in Java. */
%typemap(in, numinputs=0) T ** (T *made = 0) "$1 = &made;"
%typemap(argout) T ** "$result = (jlong)(intptr_t)*$1;"
%typemap(freearg) T ** ""
%enddef
TF_HANDLE(tf_array)
TF_HANDLE(tf_dict)
TF_HANDLE(tf_file)
TF_HANDLE(tf_options)
TF_HANDLE(tf_source)
TF_HANDLE(tf_sink)
TF_HANDLE(tf_buffer)
TF_HANDLE(tf_writer)
TF_HANDLE(tf_read_plan)
TF_HANDLE(tf_part_plan)
TF_HANDLE(tf_quant_plan)

/* By default the Java result of a status is 0, and a failure is an unchecked exception. */
%define TF_RESULT(SIGNATURE, JNI, JAVA)
%typemap(jni) SIGNATURE "JNI"
%typemap(jtype) SIGNATURE "JAVA"
%typemap(jstype) SIGNATURE "JAVA"
%typemap(javaout) SIGNATURE { return $jnicall; }
%enddef
TF_RESULT(tf_status, jlong, long)
%typemap(out) tf_status {
  $result = 0;
  if ($1 != TF_STATUS_OK) tf_java_throw(jenv, $1, JNI_FALSE);
}
%typemap(freearg) tf_status ""
TF_RESULT(tf_status status, jint, int)
/* Functions that read or write files throw IOExceptions. */
%define TF_OF_FILE(NAME)
%typemap(out) tf_status NAME {
  $result = 0;
  if ($1 != TF_STATUS_OK) tf_java_throw(jenv, $1, JNI_TRUE);
}
%enddef
TF_OF_FILE(tf_source_new)
TF_OF_FILE(tf_source_from_path)
TF_OF_FILE(tf_source_from_part)
TF_OF_FILE(tf_source_from_memory)
TF_OF_FILE(tf_load)
TF_OF_FILE(tf_load_memory)
TF_OF_FILE(tf_load_source)
TF_OF_FILE(tf_load_weights)
TF_OF_FILE(tf_load_weights_source)
TF_OF_FILE(tf_check)
TF_OF_FILE(tf_check_source)
TF_OF_FILE(tf_file_open)
TF_OF_FILE(tf_file_open_memory)
TF_OF_FILE(tf_file_open_source)
TF_OF_FILE(tf_file_name)
TF_OF_FILE(tf_file_type)
TF_OF_FILE(tf_file_location)
TF_OF_FILE(tf_file_other_name)
TF_OF_FILE(tf_file_note)
TF_OF_FILE(tf_file_listing)
TF_OF_FILE(tf_file_read)
TF_OF_FILE(tf_file_read_raw)
TF_OF_FILE(tf_file_read_into)
TF_OF_FILE(tf_read_plan_new)
TF_OF_FILE(tf_read_plan_add)
TF_OF_FILE(tf_read_plan_run)
TF_OF_FILE(tf_file_read_slice)
TF_OF_FILE(tf_file_read_slice_into)
TF_OF_FILE(tf_save)
TF_OF_FILE(tf_save_file)
TF_OF_FILE(tf_savez)
TF_OF_FILE(tf_savez_compressed)
TF_OF_FILE(tf_save_safetensors)
TF_OF_FILE(tf_save_gguf)
TF_OF_FILE(tf_save_weights)
TF_OF_FILE(tf_save_metadata)
TF_OF_FILE(tf_save_memory)
TF_OF_FILE(tf_save_sink)
TF_OF_FILE(tf_part_plan_new)
TF_OF_FILE(tf_part_plan_declare)
TF_OF_FILE(tf_part_plan_declare_all)
TF_OF_FILE(tf_part_plan_set_metadata)
TF_OF_FILE(tf_part_plan_finish)
TF_OF_FILE(tf_part_plan_save_index)
TF_OF_FILE(tf_part_plan_open_part)
TF_OF_FILE(tf_part_plan_open_part_sink)
TF_OF_FILE(tf_writer_open)
TF_OF_FILE(tf_writer_open_sink)
TF_OF_FILE(tf_writer_declare)
TF_OF_FILE(tf_writer_set_metadata)
TF_OF_FILE(tf_writer_write)
TF_OF_FILE(tf_writer_finish)

/* The result is -1 if the name does not exist. */
%define TF_FINDS(NAME)
%typemap(out) tf_status NAME {
  $result = $1 == TF_STATUS_NOT_FOUND ? -1 : 0;
  if ($1 != TF_STATUS_OK && $1 != TF_STATUS_NOT_FOUND) tf_java_throw(jenv, $1, JNI_FALSE);
}
%enddef
TF_FINDS(tf_dict_find)
TF_FINDS(tf_file_find)

/* Output numbers are the result. */
%typemap(in, numinputs=0) int64_t *value (int64_t found = 0), size_t *index (size_t found = 0),
    size_t *count (size_t found = 0), int32_t *equal (int32_t found = 0), tf_dtype *dtype (tf_dtype found = 0),
    double *value (double found = 0) "$1 = &found;"
%typemap(argout) int64_t *value, size_t *index, size_t *count, int32_t *equal, tf_dtype *dtype
    "if (result == TF_STATUS_OK) $result = (jlong)*$1;"
%typemap(argout) double *value "if (result == TF_STATUS_OK) $result = (jdouble)*$1;"
%typemap(freearg) int64_t *value, size_t *index, size_t *count, int32_t *equal, tf_dtype *dtype, double *value ""
TF_RESULT(tf_status tf_array_item_double, jdouble, double)
TF_RESULT(tf_status tf_dict_get_double, jdouble, double)

/* An output address is the result. */
%typemap(in, numinputs=0) void **data (void *found = 0) "$1 = &found;"
%typemap(argout) void **data "$result = (jlong)(intptr_t)*$1;"
%typemap(freearg) void **data ""

/* The call consumes the handle. The result replaces it. */
%typemap(jni) tf_array **array "jlong"
%typemap(jtype) tf_array **array "long"
%typemap(jstype) tf_array **array "long"
%typemap(javain) tf_array **array "$javainput"
%typemap(in) tf_array **array (tf_array *current) {
  current = (tf_array *)(intptr_t)$input;
  $1 = &current;
}

/* Three results, stored in an array of three longs. */
%define TF_LONGS_PARAMETER(PARAMETERS)
%typemap(jni) PARAMETERS "jlongArray"
%typemap(jtype) PARAMETERS "long[]"
%typemap(jstype) PARAMETERS "long[]"
%typemap(javain) PARAMETERS "$javainput"
%enddef
TF_LONGS_PARAMETER((tf_array **array, tf_dict **arrays, tf_dict **metadata))
%typemap(in) (tf_array **array, tf_dict **arrays, tf_dict **metadata)
    (tf_array *array = 0, tf_dict *arrays = 0, tf_dict *metadata = 0) {
  $1 = &array;
  $2 = &arrays;
  $3 = &metadata;
}
%typemap(argout) (tf_array **array, tf_dict **arrays, tf_dict **metadata) {
  if (result == TF_STATUS_OK) {
    const jlong made[3] = {(jlong)(intptr_t)*$1, (jlong)(intptr_t)*$2, (jlong)(intptr_t)*$3};
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 3, made);
  }
}
%typemap(freearg) (tf_array **array, tf_dict **arrays, tf_dict **metadata) ""

/* The arrays of a part: the index of the first, their number, and their bytes. */
TF_LONGS_PARAMETER((size_t *first, size_t *count, uint64_t *nbytes))
%typemap(in) (size_t *first, size_t *count, uint64_t *nbytes) (size_t first = 0, size_t count = 0, uint64_t nbytes = 0) {
  $1 = &first;
  $2 = &count;
  $3 = &nbytes;
}
%typemap(argout) (size_t *first, size_t *count, uint64_t *nbytes) {
  if (result == TF_STATUS_OK) {
    const jlong numbers[3] = {(jlong)*$1, (jlong)*$2, (jlong)*$3};
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 3, numbers);
  }
}
%typemap(freearg) (size_t *first, size_t *count, uint64_t *nbytes) ""

/* Input numbers. */
%define TF_LONGS_IN(PARAMETERS)
TF_LONGS_PARAMETER(PARAMETERS)
%typemap(in) PARAMETERS (jlong *elements = NULL) {
  if (!$input) {
    SWIG_JavaThrowException(jenv, SWIG_JavaNullPointerException, "$1_name");
    return $null;
  }
  elements = (*jenv)->GetLongArrayElements(jenv, $input, NULL);
  if (!elements) return $null;
  $1 = (int64_t *)elements;
  $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
}
%typemap(freearg) PARAMETERS "(*jenv)->ReleaseLongArrayElements(jenv, $input, elements$argnum, JNI_ABORT);"
%typemap(argout) PARAMETERS ""
%enddef
TF_LONGS_IN((const int64_t *shape, size_t ndim))
TF_LONGS_IN((const int64_t *index, size_t ndim))

/* Strides, which may be null. */
TF_LONGS_PARAMETER(const int64_t *strides)
%typemap(in) const int64_t *strides (jlong *elements = NULL) {
  if ($input) {
    elements = (*jenv)->GetLongArrayElements(jenv, $input, NULL);
    if (!elements) return $null;
  }
  $1 = (int64_t *)elements;
}
%typemap(freearg) const int64_t *strides {
  if (elements$argnum) (*jenv)->ReleaseLongArrayElements(jenv, $input, elements$argnum, JNI_ABORT);
}

/* An array of all starts, then all stops, then all steps. */
TF_LONGS_PARAMETER((const int64_t *start, const int64_t *stop, const int64_t *step, size_t ndim))
%typemap(in) (const int64_t *start, const int64_t *stop, const int64_t *step, size_t ndim) (jlong *elements = NULL) {
  if (!$input) {
    SWIG_JavaThrowException(jenv, SWIG_JavaNullPointerException, "slices");
    return $null;
  }
  elements = (*jenv)->GetLongArrayElements(jenv, $input, NULL);
  if (!elements) return $null;
  $4 = (size_t)(*jenv)->GetArrayLength(jenv, $input) / 3;
  $1 = (int64_t *)elements;
  $2 = $1 + $4;
  $3 = $2 + $4;
}
%typemap(freearg) (const int64_t *start, const int64_t *stop, const int64_t *step, size_t ndim)
    "(*jenv)->ReleaseLongArrayElements(jenv, $input, elements$argnum, JNI_ABORT);"

/* Sizes and addresses are copied, since their width can differ from that of long. */
%{
static size_t *tf_java_sizes(JNIEnv *env, jlongArray longs, size_t *count) {
  if (!longs) {
    SWIG_JavaThrowException(env, SWIG_JavaNullPointerException, "expected numbers, found null");
    return NULL;
  }
  const size_t length = (size_t)(*env)->GetArrayLength(env, longs);
  size_t *sizes = (size_t *)malloc((length + 1) * sizeof(size_t));
  jlong *elements = (*env)->GetLongArrayElements(env, longs, NULL);
  if (sizes && elements) {
    for (size_t i = 0; i < length; ++i) sizes[i] = (size_t)elements[i];
  } else if (elements) {
    SWIG_JavaThrowException(env, SWIG_JavaOutOfMemoryError, "cannot allocate arguments");
  } else {
    free(sizes);
    return NULL;
  }
  (*env)->ReleaseLongArrayElements(env, longs, elements, JNI_ABORT);
  *count = length;
  return sizes;
}

_Static_assert(sizeof(size_t) == sizeof(void *), "addresses are passed as sizes");
%}
%define TF_SIZES_IN(PARAMETERS)
TF_LONGS_PARAMETER(PARAMETERS)
%typemap(in) PARAMETERS (size_t *sizes = NULL) {
  sizes = tf_java_sizes(jenv, $input, &$2);
  if (!sizes) return $null;
  $1 = ($1_ltype)(void *)&sizes[0];
}
%typemap(freearg) PARAMETERS "free(sizes$argnum);"
%typemap(argout) PARAMETERS ""
%enddef
TF_SIZES_IN((const size_t *axes, size_t naxes))
TF_SIZES_IN((const tf_array *const *positional, size_t count))
TF_SIZES_IN((const size_t *indices, size_t count))
/* One for each index, as ArrayFile.java ensures. */
%define TF_MORE_SIZES_IN(PARAMETER)
TF_LONGS_PARAMETER(PARAMETER)
%typemap(in) PARAMETER (size_t *sizes = NULL, size_t length = 0) {
  sizes = tf_java_sizes(jenv, $input, &length);
  if (!sizes) return $null;
  $1 = ($1_ltype)(void *)&sizes[0];
}
%typemap(freearg) PARAMETER "free(sizes$argnum);"
%enddef
TF_MORE_SIZES_IN(void *const *dst)
TF_MORE_SIZES_IN(const size_t *nbytes)

/* Output arrays of numbers. */
TF_RESULT(const int64_t *tf_array_shape, jlongArray, long[])
TF_RESULT(const int64_t *tf_array_strides, jlongArray, long[])
TF_RESULT(const int64_t *tf_file_shape, jlongArray, long[])
%typemap(out) const int64_t *tf_array_shape, const int64_t *tf_array_strides
    "$result = tf_java_longs(jenv, $1, tf_array_ndim(arg1));"
%typemap(out) const int64_t *tf_file_shape "$result = tf_java_longs(jenv, $1, tf_file_ndim(arg1, arg2));"

/* Input text, with its length, or NUL-terminated for paths and names of dtypes. */
%define TF_TEXT_PARAMETER(PARAMETERS)
%typemap(jni) PARAMETERS "jbyteArray"
%typemap(jtype) PARAMETERS "byte[]"
%typemap(jstype) PARAMETERS "byte[]"
%typemap(javain) PARAMETERS "$javainput"
%typemap(freearg) PARAMETERS "(*jenv)->ReleaseByteArrayElements(jenv, $input, bytes$argnum, JNI_ABORT);"
%typemap(argout) PARAMETERS ""
%enddef
%define TF_TEXT_IN(PARAMETERS)
TF_TEXT_PARAMETER(PARAMETERS)
%typemap(in) PARAMETERS (jbyte *bytes = NULL) {
  if (!$input) {
    SWIG_JavaThrowException(jenv, SWIG_JavaNullPointerException, "$1_name");
    return $null;
  }
  bytes = (*jenv)->GetByteArrayElements(jenv, $input, NULL);
  if (!bytes) return $null;
  $1 = (char *)bytes;
  $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
}
%enddef
TF_TEXT_IN((const char *key, size_t length))
TF_TEXT_IN((const char *name, size_t length))
TF_TEXT_IN((const char *text, size_t length))
TF_TEXT_IN((const char *text, size_t text_length))
TF_TEXT_PARAMETER(const char *path)
TF_TEXT_PARAMETER(const char *name)
%typemap(in) const char *path (jbyte *bytes = NULL), const char *name (jbyte *bytes = NULL) {
  if (!$input) {
    SWIG_JavaThrowException(jenv, SWIG_JavaNullPointerException, "$1_name");
    return $null;
  }
  bytes = (*jenv)->GetByteArrayElements(jenv, $input, NULL);
  if (!bytes) return $null;
  $1 = (char *)bytes;
}

/* Output text is copied, since its owner may change it. */
%define TF_TEXT_OUT(PARAMETERS)
%typemap(in, numinputs=0) PARAMETERS (const char *text = NULL, size_t length = 0) {
  $1 = (char **)&text;
  $2 = &length;
}
%typemap(argout) PARAMETERS "if (result == TF_STATUS_OK) $result = tf_java_bytes(jenv, *$1, *$2);"
%typemap(freearg) PARAMETERS ""
%enddef
TF_TEXT_OUT((const char **key, size_t *length))
TF_TEXT_OUT((const char **text, size_t *text_length))
TF_TEXT_OUT((const char **name, size_t *length))
TF_TEXT_OUT((const char **type, size_t *length))
TF_TEXT_OUT((const char **text, size_t *length))
TF_RESULT(tf_status tf_dict_key_at, jbyteArray, byte[])
TF_RESULT(tf_status tf_dict_get_string, jbyteArray, byte[])
TF_RESULT(tf_status tf_dict_string_list_at, jbyteArray, byte[])
TF_RESULT(tf_status tf_dict_string_at, jbyteArray, byte[])
TF_RESULT(tf_status tf_dict_string_list_item_at, jbyteArray, byte[])
TF_RESULT(tf_status tf_file_name, jbyteArray, byte[])
TF_RESULT(tf_status tf_part_plan_array, jbyteArray, byte[])
TF_RESULT(tf_status tf_file_type, jbyteArray, byte[])
TF_RESULT(tf_status tf_file_other_name, jbyteArray, byte[])
TF_RESULT(tf_status tf_file_note, jbyteArray, byte[])

/* A range: the result is an array of three longs. */
TF_RESULT(tf_status tf_option_range, jlongArray, long[])
%typemap(in, numinputs=0) (int64_t *minimum, int64_t *maximum, int64_t *default_value) (int64_t range[3]) {
  $1 = &range[0];
  $2 = &range[1];
  $3 = &range[2];
}
%typemap(argout) (int64_t *minimum, int64_t *maximum, int64_t *default_value)
    "if (result == TF_STATUS_OK) $result = tf_java_longs(jenv, $1, 3);"
%typemap(freearg) (int64_t *minimum, int64_t *maximum, int64_t *default_value) ""

/* A location: the path is the result, and the numbers are stored in an array of three longs. */
TF_RESULT(tf_status tf_file_location, jbyteArray, byte[])
TF_LONGS_PARAMETER((const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated))
%typemap(in) (const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated)
    (const char *path = NULL, uint64_t offset = 0, uint64_t stored_bytes = 0, int32_t deflated = 0) {
  $1 = (char **)&path;
  $2 = &offset;
  $3 = &stored_bytes;
  $4 = &deflated;
}
%typemap(argout) (const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated) {
  if (result == TF_STATUS_OK) {
    const jlong numbers[3] = {(jlong)*$2, (jlong)*$3, *$4};
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 3, numbers);
    $result = tf_java_bytes(jenv, *$1, strlen(*$1));
  }
}
%typemap(freearg) (const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated) ""

/* A callback is a Java object, which a global reference keeps alive until the library releases it; null means none. */
%define TF_OBJECT_IN(PARAMETERS)
%typemap(jni) PARAMETERS "jobject"
%typemap(jtype) PARAMETERS "Object"
%typemap(jstype) PARAMETERS "Object"
%typemap(javain) PARAMETERS "$javainput"
%typemap(freearg) PARAMETERS ""
%typemap(argout) PARAMETERS ""
%enddef
TF_OBJECT_IN((tf_progress_fn progress, tf_release_fn release, void *user))
%typemap(in) (tf_progress_fn progress, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$3)) return $null;
  $1 = $3 ? tf_java_report : NULL;
  $2 = $3 ? tf_java_drop : NULL;
}
TF_OBJECT_IN((tf_read_complete_fn complete, tf_release_fn release, void *user))
%typemap(in) (tf_read_complete_fn complete, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$3)) return $null;
  $1 = $3 ? tf_java_entry_complete : NULL;
  $2 = $3 ? tf_java_drop : NULL;
}
TF_OBJECT_IN((tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user))
%typemap(in) (tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$4)) return $null;
  $1 = $4 ? tf_java_read_at : NULL;
  $2 = $4 ? tf_java_map_range : NULL;
  $3 = $4 ? tf_java_drop : NULL;
}
TF_OBJECT_IN((tf_resolve_source_fn resolve, tf_release_fn release, void *user))
%typemap(in) (tf_resolve_source_fn resolve, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$3)) return $null;
  $1 = $3 ? tf_java_resolve_source : NULL;
  $2 = $3 ? tf_java_drop : NULL;
}
TF_OBJECT_IN((tf_write_fn write, tf_release_fn release, void *user))
%typemap(in) (tf_write_fn write, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$3)) return $null;
  $1 = $3 ? tf_java_write_all : NULL;
  $2 = $3 ? tf_java_drop : NULL;
}
TF_OBJECT_IN((tf_resolve_sink_fn resolve, tf_release_fn release, void *user))
%typemap(in) (tf_resolve_sink_fn resolve, tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$3)) return $null;
  $1 = $3 ? tf_java_resolve_sink : NULL;
  $2 = $3 ? tf_java_drop : NULL;
}
%typemap(in, numinputs=0) (tf_commit_fn commit, tf_abort_fn abort) {
  $1 = tf_java_commit_sink;
  $2 = tf_java_abort_sink;
}
%typemap(freearg) (tf_commit_fn commit, tf_abort_fn abort) ""
%typemap(argout) (tf_commit_fn commit, tf_abort_fn abort) ""
TF_OBJECT_IN((tf_release_fn release, void *user))
%typemap(in) (tf_release_fn release, void *user) {
  if (!tf_java_keep(jenv, $input, &$2)) return $null;
  $1 = $2 ? tf_java_drop : NULL;
}

/* Creates a direct buffer over any memory, and returns the address of a direct buffer. */
TF_RESULT(void *tf_java_buffer, jobject, java.nio.ByteBuffer)
%typemap(out) void *tf_java_buffer "$result = (*jenv)->NewDirectByteBuffer(jenv, $1, (jlong)arg2);"
%typemap(jni) const void *buffer "jobject"
%typemap(jtype) const void *buffer "java.nio.ByteBuffer"
%typemap(jstype) const void *buffer "java.nio.ByteBuffer"
%typemap(in) const void *buffer "$1 = (*jenv)->GetDirectBufferAddress(jenv, $input);"
%{
static void *tf_java_buffer(void *address, int64_t nbytes) {
  (void)nbytes; /* used by the typemap */
  return address;
}

static const void *tf_java_address(const void *buffer) {
  return buffer;
}

/* Flat memory, which crosses JNI in one call. Packed.java describes what is in it. */
struct tf_java_pack {
  char *bytes;
  size_t size, capacity;
  int failed;
};

static void tf_java_put(struct tf_java_pack *pack, const void *bytes, size_t nbytes) {
  if (!pack->failed && nbytes > pack->capacity - pack->size) {
    const size_t doubled = pack->capacity < 512 ? 1024 : 2 * pack->capacity;
    const size_t wanted = doubled - pack->size < nbytes ? pack->size + nbytes : doubled;
    char *grown = wanted > INT32_MAX ? NULL : (char *)realloc(pack->bytes, wanted);
    pack->failed = !grown;
    if (grown) {
      pack->bytes = grown;
      pack->capacity = wanted;
    }
  }
  if (pack->failed || !nbytes) return;
  memcpy(pack->bytes + pack->size, bytes, nbytes);
  pack->size += nbytes;
}

static void tf_java_put_int(struct tf_java_pack *pack, size_t number) {
  const int32_t value = (int32_t)number;
  pack->failed |= number > INT32_MAX;
  tf_java_put(pack, &value, sizeof(value));
}

static void tf_java_put_long(struct tf_java_pack *pack, int64_t value) {
  tf_java_put(pack, &value, sizeof(value));
}

static void tf_java_put_text(struct tf_java_pack *pack, const char *text, size_t length) {
  tf_java_put_int(pack, length);
  tf_java_put(pack, text, length);
}

static void tf_java_put_layout(struct tf_java_pack *pack, const tf_array *array) {
  const size_t ndim = tf_array_ndim(array);
  const int64_t *strides = tf_array_strides(array);
  tf_java_put_long(pack, tf_array_dtype(array));
  tf_java_put_long(pack, (int64_t)tf_array_nbytes(array));
  tf_java_put_long(pack, tf_array_is_contiguous(array));
  tf_java_put_long(pack, strides != NULL);
  tf_java_put_long(pack, (int64_t)ndim);
  tf_java_put(pack, tf_array_shape(array), ndim * sizeof(int64_t));
  if (strides) tf_java_put(pack, strides, ndim * sizeof(int64_t));
}

static void tf_java_put_elements(struct tf_java_pack *pack, const tf_array *array) {
  tf_array *in_order = NULL;
  pack->failed |= tf_array_contiguous(&in_order, array) != TF_STATUS_OK;
  tf_java_put_long(pack, tf_array_dtype(array));
  tf_java_put_long(pack, (int64_t)tf_array_ndim(array));
  tf_java_put(pack, tf_array_shape(array), tf_array_ndim(array) * sizeof(int64_t));
  tf_java_put_long(pack, (int64_t)tf_array_nbytes(array));
  if (in_order) tf_java_put(pack, tf_array_data(in_order), (size_t)tf_array_nbytes(in_order));
  tf_array_release(in_order);
}

static void tf_java_put_strings(struct tf_java_pack *pack, const tf_dict *dict, size_t index) {
  size_t count = 0, text_length = 0;
  const char *text = NULL;
  pack->failed |= tf_dict_string_list_size_at(&count, dict, index) != TF_STATUS_OK;
  tf_java_put_int(pack, count);
  for (size_t i = 0; i < count && !pack->failed; ++i) {
    pack->failed |= tf_dict_string_list_item_at(&text, &text_length, dict, index, i) != TF_STATUS_OK;
    tf_java_put_text(pack, text, text_length);
  }
}

static void tf_java_put_dict(struct tf_java_pack *pack, const tf_dict *dict, int32_t handles);

static void tf_java_put_value(struct tf_java_pack *pack, const tf_dict *dict, tf_kind kind, size_t index,
                              int32_t handles) {
  tf_array *array = NULL;
  tf_dict *inner = NULL;
  const char *text = NULL;
  size_t text_length = 0;
  if (kind == TF_KIND_ARRAY && tf_dict_array_at(&array, dict, index) == TF_STATUS_OK) {
    if (handles) tf_java_put_long(pack, (int64_t)(intptr_t)array); /* borrowed from the dict */
    if (handles) tf_java_put_layout(pack, array);
    if (!handles) tf_java_put_elements(pack, array);
  } else if (kind == TF_KIND_STRING && tf_dict_string_at(&text, &text_length, dict, index) == TF_STATUS_OK) {
    tf_java_put_text(pack, text, text_length);
  } else if (kind == TF_KIND_STRING_LIST) {
    tf_java_put_strings(pack, dict, index);
  } else if (kind == TF_KIND_DICT && tf_dict_dict_at(&inner, dict, index) == TF_STATUS_OK) {
    tf_java_put_dict(pack, inner, handles);
  } else {
    pack->failed = 1;
  }
  tf_array_release(array);
  tf_dict_release(inner);
}

static void tf_java_put_dict(struct tf_java_pack *pack, const tf_dict *dict, int32_t handles) {
  const size_t size = tf_dict_size(dict);
  tf_java_put_int(pack, size);
  for (size_t i = 0; i < size && !pack->failed; ++i) {
    const tf_kind kind = tf_dict_kind_at(dict, i);
    const char *key = NULL;
    size_t length = 0;
    pack->failed |= tf_dict_key_at(&key, &length, dict, i) != TF_STATUS_OK;
    tf_java_put_int(pack, (size_t)kind);
    tf_java_put_text(pack, key, length);
    tf_java_put_value(pack, dict, kind, i, handles);
  }
}

static tf_status tf_java_pack_end(char **packed, size_t *packed_size, struct tf_java_pack *pack) {
  if (pack->failed) free(pack->bytes);
  *packed = pack->failed ? NULL : pack->bytes;
  *packed_size = pack->failed ? 0 : pack->size;
  return pack->failed ? TF_STATUS_OUT_OF_MEMORY : TF_STATUS_OK;
}

/* Packs a dict with the handles of its arrays, which remain those of the dict, or with copies of their elements. */
static tf_status tf_java_pack_dict(char **packed, size_t *packed_size, const tf_dict *dict, int32_t handles) {
  struct tf_java_pack pack = {NULL, 0, 0, 0};
  tf_java_put_dict(&pack, dict, handles);
  return tf_java_pack_end(packed, packed_size, &pack);
}

static tf_status tf_java_pack_array(char **packed, size_t *packed_size, const tf_array *array) {
  struct tf_java_pack pack = {NULL, 0, 0, 0};
  tf_java_put_layout(&pack, array);
  return tf_java_pack_end(packed, packed_size, &pack);
}

/* Reads what Packed.java has written. */
struct tf_java_reader {
  const char *next;
};

static int64_t tf_java_take_long(struct tf_java_reader *reader) {
  int64_t value = 0;
  memcpy(&value, reader->next, sizeof(value));
  reader->next += sizeof(value);
  return value;
}

static size_t tf_java_take_int(struct tf_java_reader *reader) {
  int32_t value = 0;
  memcpy(&value, reader->next, sizeof(value));
  reader->next += sizeof(value);
  return (size_t)value;
}

static const char *tf_java_take_bytes(struct tf_java_reader *reader, size_t nbytes) {
  const char *bytes = reader->next;
  reader->next += nbytes;
  return bytes;
}

static tf_status tf_java_take_array(struct tf_java_reader *reader, tf_dict *dict, const char *key, size_t length) {
  int64_t shape[64];
  tf_array *array = NULL;
  const tf_dtype dtype = (tf_dtype)tf_java_take_long(reader);
  const size_t ndim = (size_t)tf_java_take_long(reader);
  memcpy(shape, tf_java_take_bytes(reader, ndim * sizeof(int64_t)), ndim * sizeof(int64_t));
  const size_t nbytes = (size_t)tf_java_take_long(reader);
  const char *elements = tf_java_take_bytes(reader, nbytes);
  if (ndim == 0) return tf_dict_set_scalar(dict, key, length, dtype, elements);
  tf_status status = tf_array_copy_from(&array, dtype, shape, ndim, elements, nbytes);
  if (status == TF_STATUS_OK) status = tf_dict_set_array(dict, key, length, array);
  tf_array_release(array);
  return status;
}

static tf_status tf_java_take_strings(struct tf_java_reader *reader, tf_dict *dict, const char *key, size_t length) {
  tf_status status = tf_dict_set_string_list(dict, key, length);
  for (size_t count = tf_java_take_int(reader); count > 0 && status == TF_STATUS_OK; --count) {
    const size_t text_length = tf_java_take_int(reader);
    status = tf_dict_string_list_append(dict, key, length, tf_java_take_bytes(reader, text_length), text_length);
  }
  return status;
}

/* The kind of an array of which Packed.java writes the address. */
enum { TF_JAVA_KIND_HANDLE = 100 };

static tf_status tf_java_take_dict(struct tf_java_reader *reader, tf_dict *dict);

static tf_status tf_java_take_value(struct tf_java_reader *reader, tf_dict *dict) {
  const size_t kind = tf_java_take_int(reader);
  const size_t length = tf_java_take_int(reader);
  const char *key = tf_java_take_bytes(reader, length);
  tf_dict *inner = NULL;
  tf_status status = TF_STATUS_OK;
  if (kind == TF_JAVA_KIND_HANDLE) {
    return tf_dict_set_array(dict, key, length, (tf_array *)(intptr_t)tf_java_take_long(reader));
  }
  if (kind == TF_KIND_ARRAY) return tf_java_take_array(reader, dict, key, length);
  if (kind == TF_KIND_STRING_LIST) return tf_java_take_strings(reader, dict, key, length);
  if (kind == TF_KIND_STRING) {
    const size_t text_length = tf_java_take_int(reader);
    return tf_dict_set_string(dict, key, length, tf_java_take_bytes(reader, text_length), text_length);
  }
  status = tf_dict_new(&inner);
  if (status == TF_STATUS_OK) status = tf_java_take_dict(reader, inner);
  if (status == TF_STATUS_OK) status = tf_dict_set_dict(dict, key, length, inner);
  tf_dict_release(inner);
  return status;
}

static tf_status tf_java_take_dict(struct tf_java_reader *reader, tf_dict *dict) {
  tf_status status = TF_STATUS_OK;
  for (size_t count = tf_java_take_int(reader); count > 0 && status == TF_STATUS_OK; --count) {
    status = tf_java_take_value(reader, dict);
  }
  return status;
}

/* Creates a dict with what Packed.java has written. */
static tf_status tf_java_unpack_dict(tf_dict **out, const char *text, size_t length) {
  struct tf_java_reader reader = {text};
  (void)length;
  tf_status status = tf_dict_new(out);
  if (status == TF_STATUS_OK) status = tf_java_take_dict(&reader, *out);
  if (status == TF_STATUS_OK) return status;
  tf_dict_release(*out);
  *out = NULL;
  return status;
}
%}
void *tf_java_buffer(void *address, int64_t nbytes);
const void *tf_java_address(const void *buffer);

%typemap(in, numinputs=0) (char **packed, size_t *packed_size) (char *bytes = NULL, size_t size = 0) {
  $1 = &bytes;
  $2 = &size;
}
%typemap(argout) (char **packed, size_t *packed_size) "if (result == TF_STATUS_OK) $result = tf_java_bytes(jenv, *$1, *$2);"
%typemap(freearg) (char **packed, size_t *packed_size) "free(*$1);"
%define TF_PACKS(NAME)
TF_RESULT(tf_status NAME, jbyteArray, byte[])
%typemap(out) tf_status NAME {
  $result = NULL;
  if ($1 != TF_STATUS_OK) SWIG_JavaThrowException(jenv, SWIG_JavaOutOfMemoryError, "cannot allocate a result");
}
%enddef
TF_PACKS(tf_java_pack_dict)
TF_PACKS(tf_java_pack_array)
tf_status tf_java_pack_dict(char **packed, size_t *packed_size, const tf_dict *dict, int32_t handles);
tf_status tf_java_pack_array(char **packed, size_t *packed_size, const tf_array *array);
tf_status tf_java_unpack_dict(tf_dict **out, const char *text, size_t length);
