using Serval.ApiServer.Access;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Discovery;

namespace Serval.ApiServer.Http;

/// <summary>One step on a request's way: it answers, refuses by an <see cref="Api.ApiException"/>, or hands on to the step after it.</summary>
internal delegate Task RequestStep(ApiRequest request);

/// <summary>The way of a request, in the order of upstream's (apiserver: server/config.go, DefaultBuildHandlerChain).</summary>
internal static class RequestSteps
{
    public static RequestStep Compose(
        ApiServerOptions options, Authenticator authenticator, RbacAuthorizer access, IssuerDocuments issuer, DiscoveryHandler discovery,
        ResourceDispatcher resources)
    {
        var authorized = Authorized(access, Answered(issuer, discovery, resources));
        var bounded = new InFlight(options.MaxReads, options.MaxWrites, authorized);
        var impersonated = new Impersonation(access, bounded.RunAsync);
        var authenticated = Authenticated(authenticator, impersonated.RunAsync);
        var limited = new RequestDeadline(options.TimeProvider, authenticated);
        var health = new HealthHandler(options.StoreTakesWrites);
        return request => HealthHandler.Owns(request.Path) ? health.GetAsync(request.Http) : limited.RunAsync(request);
    }

    private static RequestStep Authenticated(Authenticator authenticator, RequestStep next) => request =>
    {
        request.User = authenticator.Authenticate(request.Http) ?? throw Failures.Unauthorized();
        return next(request);
    };

    private static RequestStep Authorized(RbacAuthorizer access, RequestStep next) => request =>
    {
        var decision = access.Decide(request.User, request.Info);
        request.Access = access;
        request.Authorization = (decision.Allowed ? "allow" : "forbid", decision.Reason);
        return decision.Allowed ? next(request) : throw Failures.Forbidden(request.User.Name, request.Info, decision.Reason);
    };

    private static RequestStep Answered(IssuerDocuments issuer, DiscoveryHandler discovery, ResourceDispatcher resources)
    {
        var version = VersionDocument.Create();
        return request =>
        {
            AskedPaths.RefuseDots(request.Http);
            return AnswerAsync(request);
        };

        Task AnswerAsync(ApiRequest request) => request.Path is "/version" or "/version/" ? VersionAsync(request, version)
            : IssuerDocuments.Owns(request.Path) ? issuer.GetAsync(request.Http)
            : DiscoveryHandler.Owns(request.Path) ? discovery.GetAsync(request.Http)
            : resources.HandleAsync(request);
    }

    private static Task VersionAsync(ApiRequest request, Document version)
    {
        if (request.Method != "GET")
        {
            throw Failures.MethodNotAllowed();
        }
        return MediaClause.TakesJson(request.Http.Request) ? Reply.JsonAsync(request.Http, 200, version.Json) : throw Failures.NoRepresentation();
    }
}
