#include "http/location.h"

#include "http/failure.h"

namespace tfhttp {

namespace {

// The parts of a http or https URL.
struct Parts {
  bool secure = false;
  Text authority;
  Text path;   // with the leading '/', or ""
  Text query;  // with the '?', or ""
};

size_t find_any(Text text, const char *characters) {
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] != '\0' && strchr(characters, text.data[i]) != nullptr) return i;
  }
  return text.size;
}

// False if it is no http or https URL.
bool split(Parts *out, Text url) {
  const SchemeRow *const row = find_row(url.data, url.size);
  if (row == nullptr || row->scheme != Scheme::kHttp) return false;
  out->secure = row->secure;
  const Text rest = url.from(Text(row->prefix).size);
  out->authority = rest.first(find_any(rest, "/?#"));
  const Text after = rest.from(out->authority.size);
  const Text whole = after.first(find_any(after, "#"));
  out->path = whole.first(find_any(whole, "?"));
  out->query = whole.from(out->path.size);
  return true;
}

// A name or an address. Names outside ASCII are none: libcurl would request another name than the one that is signed.
bool is_host(Text host) {
  const bool bracketed = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
  if (bracketed) host = host.from(1).first(host.size - 2);
  for (const char c : host) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (!hex && (bracketed ? c != ':' : !letter)) return false;
  }
  return !host.empty();
}

// Divides an authority into host and port, whose default is that of the scheme. False if it is none, or has a user name.
bool split_authority(Text *host, uint64_t *port, const Parts &parts) {
  const Text authority = parts.authority;
  *port = parts.secure ? 443 : 80;
  if (authority.find('@') != Text::kNone) return false;
  const size_t bracket = authority.find_last(']');
  const size_t colon = authority.find_last(':');
  const bool has_port = colon != Text::kNone && (bracket == Text::kNone || colon > bracket);
  *host = has_port ? authority.first(colon) : authority;
  if (has_port && (!parse_number(port, authority.from(colon + 1)) || *port == 0 || *port > 65535)) return false;
  return is_host(*host);
}

// Appends text of a URL with the characters encoded that cannot be in one.
void append_clean(String &out, Text text) {
  for (size_t i = 0; i < text.size; ++i) {
    const auto byte = static_cast<unsigned char>(text.data[i]);
    if (byte > 0x20 && byte < 0x7f) {
      out << text.data[i];
    } else {
      append_encoded(out, Text(text.data + i, 1), false);
    }
  }
}

// Sets everything that follows from the address of the requests.
tf_status set_address(Location *out, const Parts &parts, Text path) {
  Text host;
  uint64_t port = 0;
  if (!split_authority(&host, &port, parts)) {
    if (parts.authority.find('@') != Text::kNone) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "a URL must not contain a user name or password, which other users "
                                                    "of the machine could see; set a token "
                                                    "or a header in the options";
    }
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "expected a host in ASCII, and perhaps a port, after ://";
  }
  const Text scheme = parts.secure ? "https://" : "http://";
  for (const char c : host)
    out->host << (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  out->origin << scheme << out->host << ':' << port;
  if (port != (parts.secure ? 443U : 80U)) out->host << ':' << port;
  append_clean(out->path, path.empty() ? Text("/") : path);
  append_clean(out->query, parts.query);
  out->url << scheme << out->host << out->path << out->query;
  TFHTTP_TRY(require(out->name));
  TFHTTP_TRY(require(out->origin));
  return require(out->url);
}

tf_status parse_http(Location *out, Text url) {
  Parts parts;
  split(&parts, url);
  out->name << shown_url(url);
  return set_address(out, parts, parts.path);
}

// Reads the base URL of a service from an option.
tf_status parse_endpoint(Parts *out, Text endpoint) {
  if (split(out, endpoint) && out->query.empty() && out->authority.find('@') == Text::kNone) {
    while (!out->path.empty() && out->path.data[out->path.size - 1] == '/')
      out->path = out->path.first(out->path.size - 1);
    return TF_STATUS_OK;
  }
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "expected the http or https URL of an endpoint, without a user name and a query";
}

bool is_bucket(Text bucket) {
  for (const char c : bucket) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') return false;
  }
  return !bucket.empty() && bucket != "." && bucket != "..";
}

// True if a name can be a part of the name of a host, which is covered by Amazon's certificates.
bool is_label(Text text) {
  for (const char c : text) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return text.size >= 3;
}

tf_status parse_s3(Location *out, Text url, const Options &options) {
  const Text rest = url.from(5);
  const size_t slash = rest.find('/');
  const Text bucket = rest.first(slash);
  const Text key = slash == Text::kNone ? Text() : rest.from(slash + 1);
  out->name << url;
  if (!is_bucket(bucket) || key.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "expected s3://BUCKET/KEY";
  }
  const Text region = options.string(TF_HTTP_OPTION_S3_REGION);
  if (!is_label(region)) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the region is not valid";
  String endpoint;
  String path;
  const bool in_host = options.string(TF_HTTP_OPTION_S3_ENDPOINT).empty() && is_label(bucket);
  endpoint << options.string(TF_HTTP_OPTION_S3_ENDPOINT);
  if (endpoint.empty()) {
    endpoint << "https://" << (in_host ? bucket : Text()) << (in_host ? "." : "") << "s3." << region
             << ".amazonaws.com";
  }
  TFHTTP_TRY(require(endpoint));
  Parts parts;
  TFHTTP_TRY(parse_endpoint(&parts, endpoint.text()));
  path << parts.path << '/';
  if (!in_host) path << bucket << '/';
  append_encoded(path, key, true);
  TFHTTP_TRY(require(path));
  return set_address(out, parts, path.text());
}

// The parts of a hf:// URL.
struct HubPath {
  Text kind;        // "datasets", "spaces" or ""
  Text repository;  // "owner/name"
  Text revision;    // "" is the default branch
  Text file;
};

// Returns the number of bytes of a revision at the start of a text: a name without '/', or refs/pr/N, refs/convert/NAME.
size_t revision_size(Text text) {
  size_t size = text.first(text.find('/')).size;
  if (!text.starts_with("refs/pr/") && !text.starts_with("refs/convert/")) return size;
  for (int parts = 0; parts < 2; ++parts)
    size += 1 + text.from(size + 1).first(text.from(size + 1).find('/')).size;
  return size;
}

bool split_hub(HubPath *out, Text rest) {
  for (const char *const kind : {"datasets", "spaces"}) {
    const Text prefix = kind;
    if (rest.starts_with(prefix) && rest.from(prefix.size).starts_with("/")) {
      out->kind = prefix;
      rest = rest.from(prefix.size + 1);
    }
  }
  const size_t owner = rest.find('/');
  if (owner == Text::kNone || owner == 0) return false;
  const size_t name = find_any(rest.from(owner + 1), "/@");
  out->repository = rest.first(owner + 1 + name);
  rest = rest.from(out->repository.size);
  if (rest.starts_with("@")) {
    out->revision = rest.from(1).first(revision_size(rest.from(1)));
    if (out->revision.empty()) return false;
    rest = rest.from(1 + out->revision.size);
  }
  out->file = rest.from(1);
  return name != 0 && out->repository.find('@') == Text::kNone && rest.starts_with("/") && !out->file.empty();
}

// Appends a revision, of which a part may be percent-encoded, as one part of a path.
void append_revision(String &out, Text revision) {
  for (size_t i = 0; i < revision.size; ++i) {
    const Text escape = revision.from(i).first(3);
    if (escape.equals_ignoring_case("%2F")) {
      out << "%2F";
      i += 2;
    } else {
      append_encoded(out, Text(revision.data + i, 1), false);
    }
  }
}

tf_status parse_hub(Location *out, Text url, const Options &options, Text commit) {
  HubPath hub;
  out->name << url;
  if (!split_hub(&hub, url.from(5))) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "expected hf://[datasets/|spaces/]OWNER/NAME[@REVISION]/PATH";
  }
  Parts parts;
  TFHTTP_TRY(parse_endpoint(&parts, options.string(TF_HTTP_OPTION_HF_ENDPOINT)));
  String path;
  path << parts.path << '/';
  if (!hub.kind.empty()) path << hub.kind << '/';
  append_encoded(path, hub.repository, true);
  path << "/resolve/";
  append_revision(path, !commit.empty() ? commit : hub.revision.empty() ? Text("main") : hub.revision);
  path << '/';
  append_encoded(path, hub.file, true);
  TFHTTP_TRY(require(path));
  return set_address(out, parts, path.text());
}

// True if a relative path names something below its folder.
bool is_below(Text name) {
  for (;;) {
    const size_t slash = name.find('/');
    const Text part = name.first(slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == Text::kNone) return true;
    name = name.from(slash + 1);
    if (name.empty()) return false;
  }
}

}  // namespace

bool find_scheme(Scheme *out, Text url) {
  const SchemeRow *const row = find_row(url.data, url.size);
  if (row != nullptr) *out = row->scheme;
  return row != nullptr;
}

Text shown_url(Text url) {
  Parts parts;
  if (!split(&parts, url)) return url;
  return parts.authority.find('@') == Text::kNone ? url.first(find_any(url, "?#")) : Text();
}

tf_status parse_location(Location *out, Text url, const Options &options, Text commit) {
  if (!is_printable(url)) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the URL contains control characters";
  if (!find_scheme(&out->scheme, url)) {
    Failure failure(TF_STATUS_UNSUPPORTED);
    failure << "expected a URL that begins with";
    for (size_t i = 0; i < kSchemeCount; ++i)
      failure << (i == 0 ? " " : i + 1 < kSchemeCount ? ", " : " or ") << kSchemes[i].prefix;
    return failure;
  }
  switch (out->scheme) {
    case Scheme::kHttp:
      return parse_http(out, url);
    case Scheme::kS3:
      return parse_s3(out, url, options);
    case Scheme::kHub:
      return parse_hub(out, url, options, commit);
  }
  return Failure(TF_STATUS_INTERNAL) << "there is no such scheme";
}

tf_status make_sibling(String *url, const Location &of, Text name) {
  if (!is_below(name)) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the name is not below the folder of the URL";
  const Text text = of.name.text();
  const size_t slash = text.find_last('/');
  const bool is_root = slash < text.find(':') + 3;
  *url << (is_root ? text : text.first(slash + 1)) << (is_root ? "/" : "");
  if (of.scheme == Scheme::kHttp) {
    append_encoded(*url, name, true);
  } else {
    *url << name;
  }
  *url << of.query;
  return require(*url);
}

bool parse_origin(String *origin, Text url) {
  Parts parts;
  Text host;
  uint64_t port = 0;
  if (!split(&parts, url) || !split_authority(&host, &port, parts)) return false;
  *origin << (parts.secure ? "https://" : "http://");
  for (const char c : host)
    *origin << (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  *origin << ':' << port;
  return origin->ok();
}

bool has_origin(const Location &location, Text url) {
  String origin;
  return parse_origin(&origin, url) && origin.text() == location.origin.text();
}

}  // namespace tfhttp
