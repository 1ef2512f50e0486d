// What a URL names: the address of the requests, and who may see the credentials.
#pragma once

#include "http/request_options.h"
#include "http/schemes.h"

namespace tfhttp {

struct Location {
  Scheme scheme = Scheme::kHttp;
  String name;    // the URL as the caller wrote it, without query and fragment
  String query;   // "" or "?..."
  String url;     // what is requested
  String origin;  // scheme, host and port of `url`, in one spelling
  String host;    // value of the header Host
  String path;    // path of `url`, percent-encoded
};

// Which scheme a URL has. False if it is none that can be opened.
bool find_scheme(Scheme *out, Text url);
// Returns what messages show of a URL: all but the query of http and https, or "" if it has a password.
Text shown_url(Text url);
// Parses a URL. The commit replaces the revision of a hf:// URL, unless it is "".
tf_status parse_location(Location *out, Text url, const Options &options, Text commit);
// Makes the URL of another file, whose name is relative to the folder of `of`. It is below that folder.
tf_status make_sibling(String *url, const Location &of, Text name);
// Returns scheme, host and port of a http or https URL in one spelling. False if there is no host, or a user name.
bool parse_origin(String *origin, Text url);
// True if a http or https URL has the scheme, host and port of the requests of a location, so that credentials may be sent
// to it.
bool has_origin(const Location &location, Text url);

}  // namespace tfhttp
