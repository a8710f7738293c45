// Package files is the area of what members upload and hang on projects, clients and tickets. Bytes never pass through a function:
// a client uploads to the incoming bucket by a link that lets in just what was announced, a confirmation checks what
// arrived and copies it to the files bucket, and downloads go by a link.
package files

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{CreateFile(nil, nil), ListFiles(), GetFile(), ConfirmFile(nil, nil, nil), DownloadFile(nil), UpdateFile(nil), DeleteFile(nil, nil, nil)}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{SweepUploads(nil, nil)} }

// Rows registers the area's rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: File{}, Type: "STOREDFILE", Area: "files", Subject: registry.SubjectMember, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "files", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization},
			MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
				registry.Personal("member", "uploaded_by", "who uploaded it, by random id", registry.EraseUnlink),
				registry.Personal("name", "name", "what the file is called, at times after a person", registry.KeepController),
				registry.Plain("size", "a count of bytes"), registry.Plain("media_type", "a media type"),
				registry.Personal("sha256", "sha256", "the hash of what was uploaded", registry.KeepController),
				registry.Plain("parent_type", "a fixed word"), registry.Plain("parent", "a random id"),
				registry.Plain("state", "a fixed word"), registry.Plain("scan", "a fixed word"),
				registry.Stored("object", registry.FilesBucket, "where the bytes lie, by ids; they are the organization's, and go with the row", registry.KeepController),
				registry.Internal("until", "a time"), registry.Internal("clock", "a time"),
				registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
			}},
	}
}

// ByID names a file.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The file." example:"fil_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a file and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "file_not_found", When: "There is no such file in the organization, or you do not see what it hangs on."}
}

// GetFile answers one file.
func GetFile() api.Operation {
	return api.New(api.Route{
		ID: "get-file", Area: "files", Method: http.MethodGet, Path: "/v1/files/{id}", PureRead: true,
		Permission: access.FilesRead, Purpose: purpose.ServiceDelivery, Summary: "One file",
		Description: "What is known of it; its bytes are behind its download.",
		Refusals:    []api.Refusal{missing()}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) { return again(ctx, c, in.ID) })
}

// UpdateIn is the input of update-file.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of a file; what is absent stays.
type UpdateBody struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"1000" doc:"What a path or a control character would be is taken out of it."`
}

// UpdateFile renames a file.
func UpdateFile(st *store.Store) api.Operation {
	e := example()
	e.Name = "Offer, second version.pdf"
	return api.New(api.Route{
		ID: "update-file", Area: "files", Method: http.MethodPatch, Path: "/v1/files/{id}", ReadsAhead: true,
		Permission: access.FilesWrite, Purpose: purpose.ServiceDelivery, Summary: "Rename a file",
		Description: "Its bytes never change: upload another file instead.",
		Refusals:    []api.Refusal{missing()}, ExampleIn: UpdateBody{Name: &e.Name}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		name := ""
		if in.Body.Name != nil {
			if name = Name(*in.Body.Name); name == "" {
				return nil, problem.InvalidField("body.name", "not a file name")
			}
		}
		f, err := seen(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(f.Version); err != nil {
			return nil, err
		}
		if name != "" {
			f.Name = name
		}
		f.touch(c.Now)
		tx := st.Begin()
		tx.Replace(c.Org, f)
		if err := c.Commit(ctx, tx, string(f.ID)); err != nil {
			return nil, err
		}
		return show(f), nil
	})
}
