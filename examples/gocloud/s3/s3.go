// Package s3 reads objects of S3 on the condition that they do not change.
package s3

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// IfMatch is a gocloud.Store.IfMatch for buckets of gocloud.dev/blob/s3blob: a request fails unless the object has the
// ETag, which a new version of it never has.
func IfMatch(etag string) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var input *s3.GetObjectInput
		if etag != "" && as(&input) {
			input.IfMatch = aws.String(etag)
		}
		return nil
	}
}
