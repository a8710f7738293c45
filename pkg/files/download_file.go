package files

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
)

// LinkLife is how long a link to a file counts.
const LinkLife = 5 * time.Minute

// Linker gives links to objects.
type Linker interface {
	Link(ctx context.Context, key, fileName string, life time.Duration) (string, error)
}

// LinkOut is the answer of download-file.
type LinkOut struct {
	Body LinkBody
}

// LinkBody is a link to a file.
type LinkBody struct {
	URL       string    `json:"url" format:"uri" doc:"Leads to the bytes; a browser saves them and shows them never."`
	ExpiresAt time.Time `json:"expires_at"`
}

// DownloadFile gives a link to a file.
func DownloadFile(kept Linker) api.Operation {
	at := example().CreatedAt
	return api.New(api.Route{
		ID: "download-file", Area: "files", Method: http.MethodGet, Path: "/v1/files/{id}/download", PureRead: true,
		Permission: access.FilesRead, Purpose: purpose.ServiceDelivery, Summary: "A link to a file",
		Description: "The link counts for five minutes. Without a scanner a file is unscanned and can be downloaded; one that a scanner has yet to see, or found infected, cannot.",
		Refusals: []api.Refusal{missing(),
			{Kind: problem.Conflict, Code: "file_not_uploaded", When: "The upload is not confirmed."},
			{Kind: problem.Conflict, Code: "file_not_scanned", When: "A scanner has yet to look at it."},
			{Kind: problem.Conflict, Code: "file_infected", When: "A scanner found it infected."}},
		ExampleOut: LinkBody{URL: "https://files.example.com/…", ExpiresAt: at.Add(LinkLife)},
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*LinkOut, error) {
		f, err := seen(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if err := f.downloadable(); err != nil {
			return nil, err
		}
		link, err := kept.Link(ctx, f.Object, f.Name, LinkLife)
		if err != nil {
			return nil, err
		}
		return &LinkOut{Body: LinkBody{URL: link, ExpiresAt: c.Now.Add(LinkLife).UTC().Truncate(time.Second)}}, nil
	})
}

// downloadable refuses a file that nobody gets.
func (f *File) downloadable() error {
	switch {
	case f.State != Available:
		return problem.Of(problem.Conflict, "file_not_uploaded", "The upload is not confirmed.")
	case f.Scan == ScanPending:
		return problem.Of(problem.Conflict, "file_not_scanned", "A scanner has yet to look at the file; ask again in a few minutes.")
	case f.Scan != Clean && f.Scan != Unscanned:
		return problem.Of(problem.Conflict, "file_infected", "The file is infected and cannot be downloaded.")
	}
	return nil
}
