#include "http/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace tfhttp {

const char kEmptyBodyHash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

namespace {

constexpr char kAlgorithm[] = "AWS4-HMAC-SHA256";
constexpr size_t kDigest = SHA256_DIGEST_LENGTH;

void append_hex(String &out, const unsigned char (&digest)[kDigest]) {
  static const char kHex[] = "0123456789abcdef";
  for (const unsigned char byte : digest)
    out << kHex[byte >> 4] << kHex[byte & 15];
}

void append_hash(String &out, Text text) {
  unsigned char digest[kDigest];
  SHA256(reinterpret_cast<const unsigned char *>(text.data), text.size, digest);
  append_hex(out, digest);
}

// Replaces the key by the code of a text with this key. False if OpenSSL fails.
bool authenticate(unsigned char (&key)[kDigest], Text text) {
  unsigned char code[kDigest];
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key, kDigest, reinterpret_cast<const unsigned char *>(text.data), text.size, code, &size) ==
          nullptr ||
      size != kDigest) {
    return false;
  }
  memcpy(key, code, kDigest);
  return true;
}

// Derives the signature of a text: the key of the day, region and service, and then the code of the text.
bool derive(unsigned char (&code)[kDigest], const SigningKey &key, Text day, Text text) {
  String secret;
  secret << "AWS4" << key.secret_key;
  unsigned int size = 0;
  if (!secret.ok() || secret.size() > INT32_MAX) return false;
  return HMAC(EVP_sha256(), secret.c_str(), static_cast<int>(secret.size()),
              reinterpret_cast<const unsigned char *>(day.data), day.size, code, &size) != nullptr &&
         size == kDigest && authenticate(code, key.region) && authenticate(code, key.service) &&
         authenticate(code, "aws4_request") && authenticate(code, text);
}

void append_number(char *out, int number, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace

void format_time(char (&out)[17], time_t when) {
  struct tm utc = {};
  gmtime_r(&when, &utc);
  append_number(out, utc.tm_year + 1900, 4);
  append_number(out + 4, utc.tm_mon + 1, 2);
  append_number(out + 6, utc.tm_mday, 2);
  out[8] = 'T';
  append_number(out + 9, utc.tm_hour, 2);
  append_number(out + 11, utc.tm_min, 2);
  append_number(out + 13, utc.tm_sec, 2);
  out[15] = 'Z';
  out[16] = '\0';
}

tf_status sign_request(String *authorization, const CanonicalRequest &request, const SigningKey &key, Text when) {
  const Text day = when.first(8);
  String canonical;
  canonical << "GET\n"
            << request.path << '\n'
            << request.query << '\n'
            << request.headers << '\n'
            << request.names << '\n'
            << kEmptyBodyHash;
  String scope;
  scope << day << '/' << key.region << '/' << key.service << "/aws4_request";
  String to_sign;
  to_sign << kAlgorithm << '\n' << when << '\n' << scope << '\n';
  append_hash(to_sign, canonical.text());
  TFHTTP_TRY(require(canonical));
  TFHTTP_TRY(require(to_sign));
  unsigned char code[kDigest];
  if (!derive(code, key, day, to_sign.text())) {
    return Failure(TF_STATUS_IO) << "OpenSSL cannot compute the signature of the request";
  }
  *authorization << kAlgorithm << " Credential=" << key.access_key << '/' << scope
                 << ", SignedHeaders=" << request.names << ", Signature=";
  append_hex(*authorization, code);
  return require(*authorization);
}

}  // namespace tfhttp
