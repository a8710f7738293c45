package stack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Appoint makes a user one of PixelTrack's own people, as an operator does elsewhere. An empty role ends it.
func (s *Stack) Appoint(ctx context.Context, user id.User, role access.StaffRole) (id.Staff, error) {
	st := store.New(aws.Config{Region: template.Region, BaseEndpoint: &s.DynamoDB, Credentials: rootCredentials()}, s.Cloud.Table.Name, s.Clock.Now)
	if role == "" {
		return "", access.Dismiss(ctx, st, user)
	}
	return access.Appoint(ctx, st, user, role)
}
