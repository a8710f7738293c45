package bucket

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"pixeltrack.io/platform/pkg/blob"
)

// Grant signs an upload for a time. The signature covers key, size, type and checksum, and that nothing lies there yet:
// anything else is refused by the service, and so is the same upload again while the first is there.
func (b *Bucket) Grant(ctx context.Context, key string, u blob.Upload, life time.Duration) (blob.Grant, error) {
	out, err := b.sign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &u.MediaType, ContentLength: &u.Size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(u.SHA256)), IfNoneMatch: aws.String("*")}, s3.WithPresignExpires(life))
	if err != nil {
		return blob.Grant{}, fmt.Errorf("blob: grant: %w", err)
	}
	g := blob.Grant{URL: out.URL, Headers: map[string]string{}}
	for _, name := range []string{"content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"} {
		value := out.SignedHeader.Get(name)
		if value == "" {
			return blob.Grant{}, fmt.Errorf("blob: grant: %s is not signed", name)
		}
		g.Headers[name] = value
	}
	return g, nil
}

// Stat looks at an object without reading it. ErrMissing when there is none.
func (b *Bucket) Stat(ctx context.Context, key string) (blob.Stat, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if absent(err) {
		return blob.Stat{}, blob.ErrMissing
	}
	if err != nil {
		return blob.Stat{}, fmt.Errorf("blob: stat: %w", err)
	}
	s := blob.Stat{Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag)}
	if sum, err := base64.StdEncoding.DecodeString(aws.ToString(out.ChecksumSHA256)); err == nil && len(sum) > 0 {
		s.SHA256 = sum
	}
	return s, nil
}

// Head reads the first bytes of an object, n or as many as there are, if it is still the one that was looked at, else
// ErrChanged. ErrMissing when there is none.
func (b *Bucket) Head(ctx context.Context, key, etag string, n int64) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, IfMatch: &etag, Range: aws.String("bytes=0-" + strconv.FormatInt(n-1, 10))})
	if err := refused(err); err != nil {
		return nil, fmt.Errorf("blob: head: %w", err)
	}
	defer out.Body.Close()
	var first bytes.Buffer
	if _, err := io.Copy(&first, io.LimitReader(out.Body, n)); err != nil {
		return nil, fmt.Errorf("blob: head: %w", err)
	}
	return first.Bytes(), nil
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Copy makes an object of one in another bucket, on the service's side, if that is still the one that was looked at, else
// ErrChanged. ErrMissing when there is none. It takes over bytes and checksum, nothing else; at most 5 GB.
func (b *Bucket) Copy(ctx context.Context, from blob.Named, fromKey, etag, key, mediaType string) error {
	_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.name, Key: &key, CopySource: aws.String(from.Name() + "/" + (&url.URL{Path: fromKey}).EscapedPath()),
		CopySourceIfMatch: &etag, ContentType: &mediaType, ContentDisposition: aws.String("attachment"),
		MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace})
	if err := refused(err); err != nil {
		return fmt.Errorf("blob: copy: %w", err)
	}
	return nil
}

// absent says whether a call was refused because there is no such object.
func absent(err error) bool {
	c := code(err)
	return c == "NoSuchKey" || c == "NotFound"
}

// refused gives the refusal of a call about an object that was looked at before.
func refused(err error) error {
	switch {
	case absent(err):
		return blob.ErrMissing
	case code(err) == "PreconditionFailed":
		return blob.ErrChanged
	}
	return err
}
