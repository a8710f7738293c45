package bucket

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"pixeltrack.io/platform/pkg/blob"
)

// Earliest reads the object whose key sorts first among those that begin with a prefix and sort behind another key, empty
// for all, as it was first written, whatever was laid over it since: a later version or a delete marker hides nothing here.
// ErrMissing when there is none. The bucket is versioned.
func (b *Bucket) Earliest(ctx context.Context, prefix, after string) ([]byte, error) {
	in := &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.KeyMarker = &after
	}
	key, version := "", ""
	pages := s3.NewListObjectVersionsPaginator(b.client, in)
	for more := true; more && pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("blob: list versions: %w", err)
		}
		for _, v := range page.Versions { // by key, of one key the newest first
			if *v.Key <= after {
				continue
			}
			if key != "" && *v.Key != key {
				more = false
				break
			}
			key, version = *v.Key, *v.VersionId
		}
	}
	if key == "" {
		return nil, blob.ErrMissing
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, VersionId: &version})
	if absent(err) {
		return nil, blob.ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("blob: read version: %w", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("blob: read version: %w", err)
	}
	return body, nil
}
