/**
 * @file tensorfile_http.h
 * Reads arrays from HTTP servers and object stores: http://, https://, s3:// and hf:// URLs become a ::tf_source.
 *
 * This is the header of a library of its own, libtensorfile_http, which uses libcurl and OpenSSL; libtensorfile itself
 * never uses the network. The conventions of tensorfile.h apply: handles, statuses, strings, the error record, threads.
 *
 * ## URLs
 *
 * - `http://host[:port]/path` and `https://host[:port]/path`. A query is sent, but is not part of messages.
 * - `s3://bucket/key`: an object of Amazon S3 or of a store with its API (::TF_HTTP_OPTION_S3_ENDPOINT). Keys are written
 *   as they are, without percent-encoding. Requests are signed (Signature Version 4) if there are credentials.
 * - `hf://[datasets/|spaces/]owner/name[@revision]/path`: a file of the Hugging Face Hub, as huggingface_hub's HfFileSystem
 *   writes it. The first request pins the commit that the revision is at; all files of a set are read from this commit.
 *
 * A user name or password in a URL is refused, because other users of the machine can see it in the list of processes.
 *
 * ## Requests
 *
 * Creating a source makes one request, for the first bytes of the file (::TF_HTTP_OPTION_FIRST_BYTES); its answer also
 * has the size. Every later read is one request for a range. Connections are kept alive and used again. If an
 * https server offers HTTP/2, the requests of all threads share one connection, and one of these threads receives the
 * answers for all of them; otherwise reads from several threads use a connection each. But for the first request, nothing
 * is downloaded ahead of a read, so the limits of the options of ::tf_file apply before a header is downloaded. Those of an
 * index do not apply to the first request, which has all of it if it is no longer than ::TF_HTTP_OPTION_FIRST_BYTES.
 *
 * A server must support ranges, and say how long the file is, unless the file is no longer than the first request. The
 * ETag, or else the Last-Modified, of the first answer is compared with that of each later one: a file that changes while
 * it is read is ::TF_STATUS_IO.
 *
 * Requests are repeated, after a wait that doubles each time, if the connection fails or ends early, or the server answers
 * 408, 429, 500, 502, 503 or 504. A repeated request asks only for the bytes that are still missing. Retry-After is obeyed.
 *
 * ## Security
 *
 * Certificates are always verified. Credentials come from the options and nowhere else: the library reads neither the
 * environment nor any file that no option names. (libcurl itself obeys SSLKEYLOGFILE, for debugging.) They are sent only
 * to the scheme, host and port of the URL (for hf:// and s3:// of the endpoint). At most 5 redirects are followed, and none
 * from https to http; s3:// follows none. Messages contain neither credentials nor queries, and of the target of a redirect
 * at most its host and port. No proxy is used unless an option names it. The files of a set must be below the folder of the
 * URL.
 */
#ifndef TENSORFILE_HTTP_H
#define TENSORFILE_HTTP_H

#include "tensorfile.h"

#if defined(TENSORFILE_HTTP_API)
/* The build or the embedding program has defined how functions are exported. */
#elif defined(__GNUC__) && !defined(SWIG)
#define TENSORFILE_HTTP_API __attribute__((visibility("default")))
#else
#define TENSORFILE_HTTP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The settings of requests. */
typedef struct tf_http_options tf_http_options;

/** An option of ::tf_http_options: a number up to 99, a string from 100 on. */
typedef int32_t tf_http_option;
enum {
  /* Numbers: tf_http_options_set() */

  /** Milliseconds that connecting may take. 1 to 3,600,000, default 15,000. */
  TF_HTTP_OPTION_CONNECT_TIMEOUT = 1,
  /** Milliseconds after which a transfer is given up if nothing arrives on its connection. One that shares an HTTP/2
      connection on which others arrive is given up after ten times as long. It may take a second longer. 1 to 3,600,000,
      default 30,000. */
  TF_HTTP_OPTION_STALL_TIMEOUT = 2,
  /** How many times a request that fails is repeated. 0 to 100, default 4. */
  TF_HTTP_OPTION_RETRIES = 3,
  /** Milliseconds to wait before the first repetition; each later wait is twice as long. Up to half of each is left out at
      random. 0 to 3,600,000, default 250. */
  TF_HTTP_OPTION_BACKOFF = 4,
  /** The longest wait in milliseconds. A server that asks for more with Retry-After makes the read fail. 0 to 3,600,000,
      default 60,000. */
  TF_HTTP_OPTION_MAX_WAIT = 5,
  /** The most redirects that are followed. 0 to 5, default 5. */
  TF_HTTP_OPTION_REDIRECTS = 6,
  /** Bytes of the first request. Bytes of this part of the file need no other request. 0 to 67,108,864. Default 0: 1 MiB;
      64 KiB if the name ends in .npz, because what lists its arrays is at the end; 16 MiB if it ends in .json, which is an
      index, also if ::TF_OPTION_MAX_HEADER_BYTES is less. A source keeps them in memory. */
  TF_HTTP_OPTION_FIRST_BYTES = 7,
  /** The hints of the source, as in tf_source_set_hints(). Default 1,048,576. */
  TF_HTTP_OPTION_GAP = 8,
  /** See ::TF_HTTP_OPTION_GAP. Default 8,388,608. */
  TF_HTTP_OPTION_PIECE = 9,
  /** See ::TF_HTTP_OPTION_GAP. 1 to 1,024, default 16. Also how many files of a sharded index are opened at the same time,
      on the thread that opens the set and at most 64 others; with 1 the library creates no thread. The files after the
      first 512 are opened one by one, and so are all of an index that is longer than ::TF_HTTP_OPTION_FIRST_BYTES. */
  TF_HTTP_OPTION_REQUESTS = 10,
  /** The most requests that share a connection of HTTP/2. With 1, each request in flight has its own. 1 to 1,024, default
      100; servers may allow fewer. */
  TF_HTTP_OPTION_STREAMS = 11,

  /* Strings: tf_http_options_set_string(). The default of each is none, except where a default is given. */

  /** Path of a file with the certificates of trusted authorities (PEM). Default: those of libcurl. */
  TF_HTTP_OPTION_CA_FILE = 100,
  /** Secret: URL of the proxy, such as "http://proxy:3128". The scheme is http, which is the default, https, socks4, socks4a,
      socks5 or socks5h. It may have a user name and a password, which are percent-encoded. */
  TF_HTTP_OPTION_PROXY = 101,
  /** Names of hosts, separated by commas, that are reached without the proxy. */
  TF_HTTP_OPTION_NO_PROXY = 102,
  /** The User-Agent. Default "tensorfile/VERSION". */
  TF_HTTP_OPTION_USER_AGENT = 103,
  /** Secret: a token that is sent as "Authorization: Bearer TOKEN" for http://, https:// and hf:// URLs. */
  TF_HTTP_OPTION_TOKEN = 104,
  /** Path of a file that has the token in its first line. It is read when a source is created. */
  TF_HTTP_OPTION_TOKEN_FILE = 105,
  /** Base URL of the Hub. Default "https://huggingface.co". */
  TF_HTTP_OPTION_HF_ENDPOINT = 106,
  /** Base URL of a store with the API of S3, such as "http://127.0.0.1:9000"; the bucket is then the first part of the
      path. Default: Amazon's, for the region. */
  TF_HTTP_OPTION_S3_ENDPOINT = 107,
  /** Region of the bucket. Default "us-east-1". */
  TF_HTTP_OPTION_S3_REGION = 108,
  /** The access key. Without it, and without ::TF_HTTP_OPTION_S3_CREDENTIALS_FILE, requests are not signed. */
  TF_HTTP_OPTION_S3_ACCESS_KEY = 109,
  /** Secret: the secret key that belongs to the access key. */
  TF_HTTP_OPTION_S3_SECRET_KEY = 110,
  /** Secret: the session token of temporary credentials. */
  TF_HTTP_OPTION_S3_SESSION_TOKEN = 111,
  /** Path of a file with credentials in the format of ~/.aws/credentials. It is read when a source is created, if no access
      key is set. */
  TF_HTTP_OPTION_S3_CREDENTIALS_FILE = 112,
  /** The section of that file. Default "default". */
  TF_HTTP_OPTION_S3_PROFILE = 113
};

/** Asked about once a second for each request that is in flight or waits to be repeated, on any thread that makes one: a result other than 0 makes the read fail with ::TF_STATUS_CANCELLED. */
typedef int32_t (*tf_http_cancel_fn)(void *user);

/** Creates options that all have their defaults. */
TENSORFILE_HTTP_API tf_status tf_http_options_new(tf_http_options **out);
/** Sets a number. @return INVALID_ARGUMENT if there is no such option, it is a string, or the value is out of range. */
TENSORFILE_HTTP_API tf_status tf_http_options_set(tf_http_options *options, tf_http_option option, int64_t value);
/**
 * Sets a string, which is copied. An empty string means the default.
 * @param options  the options
 * @param option   the option
 * @param value    the string; no message ever contains the value of a secret one
 * @param length   bytes of value, or SIZE_MAX
 * @return INVALID_ARGUMENT if there is no such option, it is a number, the value contains control characters, or it is
 *         not the URL of a proxy although the option is one.
 */
TENSORFILE_HTTP_API tf_status tf_http_options_set_string(tf_http_options *options, tf_http_option option,
                                                         const char *value, size_t length);
/**
 * Adds a header that is sent with every request to the scheme, host and port of a http:// or https:// URL. It is treated
 * as a secret.
 * @param options  the options
 * @param name     name of the header, NUL-terminated
 * @param value    its value, NUL-terminated
 * @return INVALID_ARGUMENT if the name or the value cannot be those of a header, or the library sets this header itself
 *         (Host, Range, Accept-Encoding and the like).
 */
TENSORFILE_HTTP_API tf_status tf_http_options_add_header(tf_http_options *options, const char *name, const char *value);
/**
 * Sets the function that cancels requests, and replaces the one before.
 * @param options  the options
 * @param cancel   the function, or NULL for none
 * @param release  may be NULL. Called exactly once, when neither the options nor a source that was created with them needs
 *                 `user` any longer. It is called even if this function fails
 * @param user     passed to both
 */
TENSORFILE_HTTP_API tf_status tf_http_options_set_cancel(tf_http_options *options, tf_http_cancel_fn cancel,
                                                         tf_release_fn release, void *user);
/** Adds a reference and returns the options. */
TENSORFILE_HTTP_API tf_http_options *tf_http_options_retain(tf_http_options *options);
/** Drops a reference. */
TENSORFILE_HTTP_API void tf_http_options_release(tf_http_options *options);

/**
 * Creates a source that reads the file at a URL. It is concurrent, and has the URL without its query as its name, hints for
 * a network, and a resolver that opens the other files of a set from the same folder, with the same options and
 * connections. Use it with tf_file_open_source(), tf_load_source() and the other functions that take a source.
 *
 * Messages of reads say what the server answered, or why the connection failed.
 * @param out      receives the source
 * @param url      the URL, NUL-terminated
 * @param options  may be NULL. The source has a copy: later changes do not affect it
 * @return INVALID_ARGUMENT if the URL is malformed or has a user name; NOT_FOUND if the server answers 404 or 410;
 *         UNSUPPORTED for another scheme, or if the server does not support ranges or does not say how long the file is;
 *         IO for other failures.
 */
TENSORFILE_HTTP_API tf_status tf_source_from_url(tf_source **out, const char *url, const tf_http_options *options);

/** Returns 1 if a string begins with the scheme of a URL that tf_source_from_url() opens, in any letter case, else 0. */
TENSORFILE_HTTP_API int32_t tf_is_url(const char *text);

#ifdef __cplusplus
}
#endif

#endif /* TENSORFILE_HTTP_H */
