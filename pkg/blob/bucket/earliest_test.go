package bucket_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/blob/bucket"
)

func TestEarliest(t *testing.T) {
	ctx, clock := context.Background(), &simclock.Clock{}
	cfg := standIn(t, clock, s3.Bucket{Name: "b", Versioning: true, Lock: &s3.Lock{Mode: "COMPLIANCE", Days: 10}})
	b := bucket.New(cfg, "b", clock.Now)
	client := awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true })
	put := func(key, text string) {
		t.Helper()
		if err := b.Create(ctx, key, "text/plain", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when, prefix, text string) {
		t.Helper()
		if got, err := b.Earliest(ctx, prefix, ""); err != nil || string(got) != text {
			t.Errorf("%s: Earliest(%q) = %q, %v; want %q", when, prefix, got, err, text)
		}
	}
	if _, err := b.Earliest(ctx, "ORG/1/", ""); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Earliest of nothing = %v; want ErrMissing", err)
	}
	put("ORG/1/5", "five")
	put("ORG/1/3", "three")
	put("ORG/2/1", "another's")
	want("at first", "ORG/1/", "three")
	if _, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("ORG/1/3"), Body: strings.NewReader("laid over it"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256}); err != nil {
		t.Fatal(err)
	}
	want("with a version over it", "ORG/1/", "three")
	if _, err := client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("ORG/1/3")}); err != nil {
		t.Fatal(err)
	}
	want("under a delete marker", "ORG/1/", "three")
	for after, text := range map[string]string{"ORG/1/2": "three", "ORG/1/3": "five", "ORG/1/4": "five"} {
		if got, err := b.Earliest(ctx, "ORG/1/", after); err != nil || string(got) != text {
			t.Errorf("Earliest behind %s = %q, %v; want %q", after, got, err, text)
		}
	}
	if _, err := b.Earliest(ctx, "ORG/1/", "ORG/1/5"); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Earliest behind the last = %v; want ErrMissing", err)
	}
	if n, err := b.Purge(ctx, "ORG/1/"); err == nil {
		t.Errorf("Purge took %d locked versions; want it refused", n)
	}
	want("after a purge was refused", "ORG/1/", "three")
	if _, err := b.Earliest(ctx, "ORG/3/", ""); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Earliest of another prefix = %v; want ErrMissing", err)
	}
}
