package picture

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Opener reads objects.
type Opener interface {
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Size is one of the two that a picture is drawn in.
type Size string

// The sizes.
const (
	Small Size = "small"
	Large Size = "large"
)

// ImageOut answers with the bytes of a picture.
type ImageOut struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// Image shows a picture to others than whom it is of, who are not told where it lies: that names them. It is kept by a
// browser as long as a link counts. What has processing restricted is not there.
func (k Kind) Image(ctx context.Context, pictures Opener, h Owner, s Size) (*ImageOut, error) {
	for before := id.Picture(""); ; {
		p, err := Read(ctx, h)
		if errors.Is(err, store.ErrRestricted) || err == nil && (p == nil || p.ID == "") {
			return nil, problem.Missing(k.Name)
		}
		if err != nil {
			return nil, err
		}
		body, err := p.bytes(ctx, pictures, s)
		if err == nil {
			return &ImageOut{ContentType: p.MediaType, CacheControl: fmt.Sprintf("private, max-age=%d", int(LinkLife.Seconds())), Body: body}, nil
		}
		if p.ID == before { // and it was not replaced this moment
			return nil, err
		}
		before = p.ID
	}
}

func (p *Picture) bytes(ctx context.Context, pictures Opener, s Size) ([]byte, error) {
	key := p.Object
	if s == Small {
		key = p.Small
	}
	object, err := pictures.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	body, err := io.ReadAll(object)
	if err != nil {
		return nil, fmt.Errorf("read a picture: %w", err)
	}
	return body, nil
}
