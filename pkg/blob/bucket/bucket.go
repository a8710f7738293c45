// Package bucket reaches the product's buckets in S3. It stands apart from what the product knows of objects, so that a
// function that reaches none does not carry the service's client.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"pixeltrack.io/platform/pkg/blob"
)

// Bucket is one bucket.
type Bucket struct {
	client *s3.Client
	sign   *s3.PresignClient
	name   string
	now    func() time.Time
}

// New opens a bucket. An endpoint of its own in the configuration means that it is addressed by path. Links are dated
// by the clock given.
func New(cfg aws.Config, name string, now func() time.Time) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil
		o.Retryer = retry.AddWithErrorCodes(o.Retryer, "ConditionalRequestConflict")
	})
	b := &Bucket{client: client, name: name, now: now}
	b.sign = s3.NewPresignClient(client, func(o *s3.PresignOptions) { o.Presigner = dated{v4.NewSigner(), now} })
	return b
}

// dated signs links by the product's clock.
type dated struct {
	signer *v4.Signer
	now    func() time.Time
}

// PresignHTTP is what the presigning client calls.
func (d dated) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) (string, http.Header, error) {
	opts = append(opts, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return d.signer.PresignHTTP(ctx, c, r, hash, service, region, d.now(), opts...)
}

// Put writes an object, over an older one if there is one.
func (b *Bucket) Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &mediaType, Body: body})
	if err != nil {
		return fmt.Errorf("blob: put: %w", err)
	}
	return nil
}

// Create writes an object that must not be there, else ErrExists. Meeting another writer is no proof that it is there: the
// other may be deleting it, or fail. Such a meeting is tried again like a failure of the service. The body goes with a
// checksum, which a bucket with Object Lock asks for.
func (b *Bucket) Create(ctx context.Context, key, mediaType string, body io.ReadSeeker) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &mediaType, Body: body,
		IfNoneMatch: aws.String("*"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	if code(err) == "PreconditionFailed" {
		return blob.ErrExists
	}
	if err != nil {
		return fmt.Errorf("blob: create: %w", err)
	}
	return nil
}

// Open reads an object; the caller closes it. ErrMissing when there is none.
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if absent(err) {
		return nil, blob.ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("blob: open: %w", err)
	}
	return out.Body, nil
}

// List gives the keys that begin with a prefix, in order. An error ends it.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", fmt.Errorf("blob: list: %w", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(*o.Key, nil) {
					return
				}
			}
		}
	}
}

// Link gives a link to an object for a time, under which a browser saves it by a file name and shows it never.
func (b *Bucket) Link(ctx context.Context, key, fileName string, life time.Duration) (string, error) {
	out, err := b.sign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key,
		ResponseContentDisposition: aws.String(blob.Disposition(fileName)),
		ResponseCacheControl:       aws.String("no-store")}, s3.WithPresignExpires(life))
	if err != nil {
		return "", fmt.Errorf("blob: link: %w", err)
	}
	return out.URL, nil
}

// Purge deletes every version and every delete marker of the objects whose keys begin with a prefix, and tells how many
// went. It can be repeated and interrupted.
func (b *Bucket) Purge(ctx context.Context, prefix string) (int, error) {
	if prefix == "" {
		return 0, errors.New("blob: purge of a whole bucket")
	}
	gone := 0
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return gone, fmt.Errorf("blob: list versions: %w", err)
		}
		for _, v := range page.Versions {
			if err := b.remove(ctx, v.Key, v.VersionId); err != nil {
				return gone, err
			}
			gone++
		}
		for _, m := range page.DeleteMarkers {
			if err := b.remove(ctx, m.Key, m.VersionId); err != nil {
				return gone, err
			}
		}
	}
	return gone, nil
}

// Remove deletes every version and every delete marker of one object, and tells how many versions went. It can be
// repeated and interrupted.
func (b *Bucket) Remove(ctx context.Context, key string) (int, error) {
	gone := 0
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return gone, fmt.Errorf("blob: list versions: %w", err)
		}
		for _, v := range page.Versions {
			if *v.Key != key {
				continue
			}
			if err := b.remove(ctx, v.Key, v.VersionId); err != nil {
				return gone, err
			}
			gone++
		}
		for _, m := range page.DeleteMarkers {
			if *m.Key != key {
				continue
			}
			if err := b.remove(ctx, m.Key, m.VersionId); err != nil {
				return gone, err
			}
		}
	}
	return gone, nil
}

func (b *Bucket) remove(ctx context.Context, key, version *string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: key, VersionId: version})
	if err != nil {
		return fmt.Errorf("blob: delete: %w", err)
	}
	return nil
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}
