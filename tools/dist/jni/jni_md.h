/* The part of jni.h that a JDK has for its own system, for all systems that a release is built for: jni.h includes it. */
#ifndef TENSORFILE_JNI_MD_H
#define TENSORFILE_JNI_MD_H

#ifdef _WIN32
#define JNIEXPORT __declspec(dllexport)
#define JNIIMPORT __declspec(dllimport)
#define JNICALL __stdcall
#else
#define JNIEXPORT __attribute__((visibility("default")))
#define JNIIMPORT __attribute__((visibility("default")))
#define JNICALL
#endif

typedef signed char jbyte;
typedef int jint;
#if defined(_LP64)
typedef long jlong;
#else
typedef long long jlong;
#endif

#endif
