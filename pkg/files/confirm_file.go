package files

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Incoming is the bucket that clients upload to.
type Incoming interface {
	blob.Named
	Stat(ctx context.Context, key string) (blob.Stat, error)
	Head(ctx context.Context, key, etag string, n int64) ([]byte, error)
	Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
}

// Keeper is the bucket that files are kept in.
type Keeper interface {
	Copy(ctx context.Context, from blob.Named, fromKey, etag, key, mediaType string) error
}

// Wait is how long after a change of a file's state its objects are looked at again: by then every call that saw it as
// it was before has written or given up.
const Wait = time.Minute

// ConfirmFile takes an upload over into the files.
func ConfirmFile(st *store.Store, incoming Incoming, kept Keeper) api.Operation {
	return api.Replayable(api.Route{
		ID: "confirm-file", Area: "files", Method: http.MethodPost, Path: "/v1/files/{id}/confirm", ReadsAhead: true,
		Permission: access.FilesWrite, Purpose: purpose.ServiceDelivery, Summary: "Confirm that a file was uploaded",
		Description: "Checks size, checksum and the type by the content. From then on the file can be downloaded. Confirming it twice is confirming it once.",
		Refusals: []api.Refusal{missing(),
			{Kind: problem.Invalid, Code: "media_type_mismatch", When: "The content contradicts the declared media type; the file stays pending."},
			{Kind: problem.Conflict, Code: "upload_missing", When: "Nothing was uploaded yet."},
			{Kind: problem.Conflict, Code: "upload_mismatch", When: "What lies there is not what was announced."}},
		ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		f, err := seen(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if f.State == Available {
			return show(f), nil
		}
		if err := c.Checked(); err != nil { // from here on something is written, to the bucket
			return nil, err
		}
		if err := take(ctx, incoming, kept, f); err != nil {
			return settled(ctx, c, f, err)
		}
		for try := 0; ; try++ {
			f.State, f.Scan, f.Object = Available, Unscanned, objectKey(f.Org, f.ID)
			f.DueAt = 0
			f.touch(c.Now)
			tx := st.Begin()
			f.move(tx, c.Org, max(f.Until, c.Now.Unix())+int64(Wait.Seconds()))
			tx.Replace(c.Org, f)
			err := c.Commit(ctx, tx, string(f.ID))
			if errors.Is(err, store.ErrStale) && try < 3 {
				if f, err = seen(ctx, c, in.ID); err != nil {
					return nil, err // deleted meanwhile, and what was copied goes with it
				}
				if f.State == Available {
					return show(f), nil
				}
				continue // renamed meanwhile
			}
			if err != nil {
				return nil, err
			}
			seal(ctx, incoming, f)
			return show(f), nil
		}
	}, again)
}

// take checks what was uploaded and copies just that.
func take(ctx context.Context, incoming Incoming, kept Keeper, f *File) error {
	key := objectKey(f.Org, f.ID)
	there, err := incoming.Stat(ctx, key)
	if err != nil {
		return err
	}
	if there.Size != f.Size || hex.EncodeToString(there.SHA256) != f.SHA256 {
		return problem.Of(problem.Conflict, "upload_mismatch", "What lies there is not what was announced; ask for another upload.")
	}
	head, err := incoming.Head(ctx, key, there.ETag, sniffed)
	if err != nil {
		return err
	}
	if !agrees(f.MediaType, head) {
		return problem.Of(problem.Invalid, "media_type_mismatch", "The content is not of the media type that was declared.")
	}
	return kept.Copy(ctx, incoming, key, there.ETag, key, f.MediaType)
}

// settled answers a confirmation that could not take the upload over: with the file, when another one was first and has
// cleared the upload away.
func settled(ctx context.Context, c *api.Caller, f *File, err error) (*Out, error) {
	now, gone := Read(ctx, c.Org, string(f.ID))
	switch {
	case gone != nil:
		return nil, gone
	case now.State == Available:
		return show(now), nil
	case errors.Is(err, blob.ErrMissing):
		return nil, problem.Of(problem.Conflict, "upload_missing", "Nothing was uploaded yet.")
	case errors.Is(err, blob.ErrChanged):
		return nil, problem.Of(problem.Conflict, "upload_mismatch", "What lies there has changed meanwhile; confirm again.")
	}
	return nil, err
}

// seal puts nothing in the place of what was uploaded. The bytes are gone, and while the link still counts it finds its
// place taken. The sweep removes the rest when the link has ended, and does it all when this fails.
func seal(ctx context.Context, incoming Incoming, f *File) {
	short, cancel := context.WithTimeout(ctx, promptly)
	defer cancel()
	_ = incoming.Put(short, objectKey(f.Org, f.ID), anything, bytes.NewReader(nil))
}
