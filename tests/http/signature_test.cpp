// Signature Version 4 against the vectors that Amazon publishes, and what URLs name.
#include "http/signature.h"

#include <gtest/gtest.h>

#include <string>

#include "http/location.h"

namespace tfhttp {
namespace {

std::string text_of(const String &text) {
  return {text.c_str(), text.size()};
}

std::string signature(const char *path, const char *headers, const char *names, const SigningKey &key,
                      const char *when) {
  String out;
  EXPECT_EQ(sign_request(&out, {path, "", headers, names}, key, when), TF_STATUS_OK);
  const std::string text = text_of(out);
  return text.substr(text.find("Signature=") + 10);
}

struct Vector {
  const char *name;
  const char *path;
  const char *headers;
  const char *names;
  const char *signature;
};

// aws-sig-v4-test-suite: GET requests without a query.
constexpr Vector kSuite[] = {
    {"get-vanilla", "/", "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n", "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-header-value-trim", "/",
     "host:example.amazonaws.com\nmy-header1:value1\nmy-header2:\"a b c\"\nx-amz-date:20150830T123600Z\n",
     "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-unreserved", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n", "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8", "/%E1%88%B4", "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n", "host;x-amz-date",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-with-session-token", "/",
     "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\nx-amz-security-token:"
     "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\n",
     "host;x-amz-date;x-amz-security-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"get-space", "/example%20space/", "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n", "host;x-amz-date",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
};

TEST(Signature, AgreesWithTheTestSuiteOfAws) {
  const SigningKey key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"};
  for (const Vector &vector : kSuite) {
    EXPECT_EQ(signature(vector.path, vector.headers, vector.names, key, "20150830T123600Z"), vector.signature)
        << vector.name;
  }
}

// "Example: GET Object" of the documentation of S3.
TEST(Signature, AgreesWithTheExampleOfS3) {
  const SigningKey key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};
  const std::string headers =
      std::string("host:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:") + kEmptyBodyHash +
      "\nx-amz-date:20130524T000000Z\n";
  String out;
  ASSERT_EQ(sign_request(&out, {"/test.txt", "", headers.c_str(), "host;range;x-amz-content-sha256;x-amz-date"}, key,
                         "20130524T000000Z"),
            TF_STATUS_OK);
  EXPECT_EQ(text_of(out),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Signature, WritesTimes) {
  char text[17];
  format_time(text, 1440938160);
  EXPECT_STREQ(text, "20150830T123600Z");
}

class LocationTest : public ::testing::Test {
 protected:
  // Returns the address that a URL leads to, or the name of the status.
  std::string url(const std::string &of, const char *commit = "") {
    location_ = Location();
    const tf_status status = parse_location(&location_, of.c_str(), options_, commit);
    return status == TF_STATUS_OK ? text_of(location_.url) : tf_status_name(status);
  }
  std::string sibling(const std::string &of, const char *name) {
    url(of);
    String out;
    return make_sibling(&out, location_, name) == TF_STATUS_OK ? text_of(out) : "refused";
  }

  tf_http_options options_;
  Location location_;
};

TEST_F(LocationTest, OfHttp) {
  EXPECT_EQ(url("HTTPS://Example.COM:443/a b/%20?q=1#f"), "https://example.com/a%20b/%20?q=1");
  EXPECT_EQ(text_of(location_.origin), "https://example.com:443");
  EXPECT_EQ(text_of(location_.name), "HTTPS://Example.COM:443/a b/%20");
  EXPECT_EQ(url("http://[::1]:8080"), "http://[::1]:8080/");
  EXPECT_EQ(text_of(location_.host), "[::1]:8080");
  EXPECT_EQ(url("http://h/@x"), "http://h/@x");
  EXPECT_EQ(url("http://u@h/x"), "invalid_argument");
  for (const char *const bad :
       {"http://", "http://:80/", "http://h:0/", "http://h:65536/", "http://h:/", "http://b\xC3\xBC.de/", "http://a b/",
        "http://h\\@evil/", "http://h%2f/", "http://[::1/", "http://[]/", "http://a,b/"})
    EXPECT_EQ(url(bad), "invalid_argument") << bad;
}

// Credentials are sent only to the scheme, host and port of the URL.
TEST_F(LocationTest, OfTheSameOrigin) {
  url("https://Example.com/m.npy");
  for (const char *const same :
       {"https://example.com/other?q#f", "HTTPS://EXAMPLE.COM:443", "https://example.com:0443/"})
    EXPECT_TRUE(has_origin(location_, same)) << same;
  for (const char *const other : {"http://example.com/m.npy", "http://example.com:443/m.npy", "https://example.com:80/",
                                  "https://example.com:444/", "https://example.com./", "https://www.example.com/",
                                  "https://example.co/", "https://example.com@evil.example/",
                                  "https://example.com\\@evil.example/", "s3://example.com/m.npy", "/m.npy", ""})
    EXPECT_FALSE(has_origin(location_, other)) << other;
  url("http://example.com:443/m.npy");
  EXPECT_TRUE(has_origin(location_, "http://example.com:443/"));
  EXPECT_FALSE(has_origin(location_, "https://example.com:443/"));
  EXPECT_FALSE(has_origin(location_, "https://example.com/"));
  // Those of s3:// and hf:// go to the endpoint.
  url("s3://bucket/m.npy");
  EXPECT_TRUE(has_origin(location_, "https://bucket.s3.us-east-1.amazonaws.com/"));
  EXPECT_FALSE(has_origin(location_, "http://bucket.s3.us-east-1.amazonaws.com:443/"));
  url("hf://o/n/m.npy");
  EXPECT_TRUE(has_origin(location_, "https://huggingface.co/o/n"));
  EXPECT_FALSE(has_origin(location_, "http://huggingface.co/o/n"));
}

TEST_F(LocationTest, OfS3) {
  EXPECT_EQ(url("s3://bucket/a b+c=d/\xC3\xA9.npy"),
            "https://bucket.s3.us-east-1.amazonaws.com/a%20b%2Bc%3Dd/%C3%A9.npy");
  EXPECT_EQ(url("s3://dotted.bucket/k?x#y"), "https://s3.us-east-1.amazonaws.com/dotted.bucket/k%3Fx%23y");
  ASSERT_EQ(set_string(options_, TF_HTTP_OPTION_S3_REGION, "eu-central-1"), TF_STATUS_OK);
  EXPECT_EQ(url("s3://bucket/k"), "https://bucket.s3.eu-central-1.amazonaws.com/k");
  ASSERT_EQ(set_string(options_, TF_HTTP_OPTION_S3_ENDPOINT, "http://127.0.0.1:9000/base/"), TF_STATUS_OK);
  EXPECT_EQ(url("s3://bucket/k//l"), "http://127.0.0.1:9000/base/bucket/k//l");
  EXPECT_EQ(text_of(location_.host), "127.0.0.1:9000");
  for (const char *const bad : {"s3://bucket", "s3://bucket/", "s3:///key", "s3://../key", "s3://a@b/key"})
    EXPECT_EQ(url(bad), "invalid_argument") << bad;
  ASSERT_EQ(set_string(options_, TF_HTTP_OPTION_S3_REGION, "evil.example/"), TF_STATUS_OK);
  EXPECT_EQ(url("s3://bucket/k"), "invalid_argument");
}

// The forms of huggingface_hub's HfFileSystem.
TEST_F(LocationTest, OfTheHub) {
  const std::string hub = "https://huggingface.co/";
  EXPECT_EQ(url("hf://o/n/m.gguf"), hub + "o/n/resolve/main/m.gguf");
  EXPECT_EQ(url("hf://datasets/o/n@v1/a b/m.npy"), hub + "datasets/o/n/resolve/v1/a%20b/m.npy");
  EXPECT_EQ(url("hf://spaces/o/n/m.npy"), hub + "spaces/o/n/resolve/main/m.npy");
  EXPECT_EQ(url("hf://o/n@refs/pr/1/m.npy"), hub + "o/n/resolve/refs%2Fpr%2F1/m.npy");
  EXPECT_EQ(url("hf://o/n@refs%2Fconvert%2Fparquet/m.npy"), hub + "o/n/resolve/refs%2Fconvert%2Fparquet/m.npy");
  EXPECT_EQ(url("hf://o/n@main/a@b.npy"), hub + "o/n/resolve/main/a%40b.npy");
  EXPECT_EQ(url("hf://o/n@main/m.npy", "0123abc"), hub + "o/n/resolve/0123abc/m.npy");
  for (const char *const bad :
       {"hf://o/n", "hf://o/n/", "hf://n", "hf:///n/m", "hf://o//m", "hf://o/n@/m", "hf://o/n@v"})
    EXPECT_EQ(url(bad), "invalid_argument") << bad;
  ASSERT_EQ(set_string(options_, TF_HTTP_OPTION_HF_ENDPOINT, "http://127.0.0.1:80/hub/"), TF_STATUS_OK);
  EXPECT_EQ(url("hf://o/n/m"), "http://127.0.0.1/hub/o/n/resolve/main/m");
  ASSERT_EQ(set_string(options_, TF_HTTP_OPTION_HF_ENDPOINT, "https://u@h"), TF_STATUS_OK);
  EXPECT_EQ(url("hf://o/n/m"), "invalid_argument");
}

TEST_F(LocationTest, OfTheOtherFilesOfASet) {
  EXPECT_EQ(sibling("http://h/a/b.json?q#f", "c d/%.npy"), "http://h/a/c%20d/%25.npy?q");
  EXPECT_EQ(sibling("http://h", "evil.example/x"), "http://h/evil.example/x");
  EXPECT_EQ(sibling("s3://b/a/i.json", "c d+e"), "s3://b/a/c d+e");
  EXPECT_EQ(sibling("hf://o/n@v/i.json", "x/y"), "hf://o/n@v/x/y");
  for (const char *const bad : {"..", "../x", "a/../x", "a//x", "/x", "", "a/", ".", "a/."})
    EXPECT_EQ(sibling("http://h/a/b", bad), "refused") << bad;
}

}  // namespace
}  // namespace tfhttp
