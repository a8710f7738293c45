package bucket

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// partSize is how much of an object is held in memory. An object has at most 10,000 parts: 156 GB.
const partSize = 16 << 20

// Write stores what a function writes, however long it is, holding one part of it in memory. Nothing is stored when the
// function fails.
func (b *Bucket) Write(ctx context.Context, key, mediaType string, write func(io.Writer) error) error {
	w := &writer{ctx: ctx, bucket: b, key: key, mediaType: mediaType}
	err := write(w)
	if err == nil {
		err = w.close()
	}
	if err != nil {
		w.abort()
	}
	return err
}

// writer collects a part at a time. What fits into one is stored with one call.
type writer struct {
	ctx            context.Context
	bucket         *Bucket
	key, mediaType string
	part           bytes.Buffer
	upload         *string // nil until there is more than one part
	done           []types.CompletedPart
}

// Write takes bytes in.
func (w *writer) Write(p []byte) (int, error) {
	taken := 0
	for len(p) > 0 {
		if w.part.Len() == partSize {
			if err := w.send(); err != nil {
				return taken, err
			}
		}
		n := min(len(p), partSize-w.part.Len())
		w.part.Write(p[:n]) // never fails
		taken, p = taken+n, p[n:]
	}
	return taken, nil
}

// send stores the part that is full.
func (w *writer) send() error {
	if w.upload == nil {
		out, err := w.bucket.client.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{Bucket: &w.bucket.name, Key: &w.key, ContentType: &w.mediaType,
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			return fmt.Errorf("blob: begin upload: %w", err)
		}
		w.upload = out.UploadId
	}
	number := int32(len(w.done) + 1)
	out, err := w.bucket.client.UploadPart(w.ctx, &s3.UploadPartInput{Bucket: &w.bucket.name, Key: &w.key, UploadId: w.upload, PartNumber: &number,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, Body: bytes.NewReader(w.part.Bytes())})
	if err != nil {
		return fmt.Errorf("blob: upload part %d: %w", number, err)
	}
	w.done = append(w.done, types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	w.part.Reset()
	return nil
}

// close stores the rest and makes the object known.
func (w *writer) close() error {
	if w.upload == nil {
		return w.bucket.Put(w.ctx, w.key, w.mediaType, bytes.NewReader(w.part.Bytes()))
	}
	if err := w.send(); err != nil {
		return err
	}
	_, err := w.bucket.client.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{Bucket: &w.bucket.name, Key: &w.key, UploadId: w.upload,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: w.done}})
	if err != nil {
		return fmt.Errorf("blob: complete upload: %w", err)
	}
	return nil
}

// abort gives the parts up. What it cannot, the lifecycle of the bucket does.
func (w *writer) abort() {
	if w.upload == nil {
		return
	}
	_, _ = w.bucket.client.AbortMultipartUpload(context.WithoutCancel(w.ctx), &s3.AbortMultipartUploadInput{Bucket: &w.bucket.name, Key: &w.key, UploadId: w.upload})
}
