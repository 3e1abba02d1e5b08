using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>Query options and DeleteOptions bodies as the client's options.</summary>
internal static class QueryOptions
{
    private static readonly Lazy<TypeSchema> s_deleteOptions = new(() => Schemas.Find("v1", "DeleteOptions")!);

    public static ListOptions List(ApiRequest request) => new()
    {
        LabelSelector = request.Query("labelSelector"),
        FieldSelector = request.Query("fieldSelector"),
        Limit = Math.Max(request.Number("limit") ?? 0, 0),
        Continue = request.Query("continue"),
    };

    public static WriteOptions Write(ApiRequest request, string subresource = "") => new()
    {
        FieldManager = Manager(request),
        Subresource = subresource,
        FieldValidation = request.Query("fieldValidation") switch
        {
            "" or "Warn" => FieldValidation.Warn,
            "Ignore" => FieldValidation.Ignore,
            "Strict" => FieldValidation.Strict,
            var other => throw Failures.InvalidOption("fieldValidation", other, "Ignore, Warn, Strict"),
        },
        DryRun = DryRun(request.Query("dryRun")),
        User = request.User.Name,
        Warn = request.Warn,
    };

    public static async Task<DeleteOptions> DeleteAsync(ApiRequest request)
    {
        var options = new DeleteOptions
        {
            PropagationPolicy = Policy(request.Query("propagationPolicy"), request.Query("orphanDependents").Length > 0 ? request.Flag("orphanDependents") : null),
            GracePeriodSeconds = request.Number("gracePeriodSeconds"),
            DryRun = DryRun(request.Query("dryRun")),
        };
        var body = await BodyReader.ReadAsync(request);
        if (body.IsEmpty)
        {
            return options;
        }
        var json = BodyReader.IsProtobuf(request)
            ? CanonicalJson.Serialize(ProtobufDecoder.Decode(body.Span))
            : BodyReader.AsJson(request, body);
        var decoded = StrictDecoder.Decode(s_deleteOptions.Value, json);
        return decoded.Failure(strict: false) is { } failure ? throw failure : Merge(options, decoded.Tree);
    }

    private static DeleteOptions Merge(DeleteOptions options, JsonObject body)
    {
        var policy = (string?)body["propagationPolicy"] ?? "";
        var orphan = (bool?)body["orphanDependents"];
        return options with
        {
            PropagationPolicy = policy.Length > 0 || orphan is not null ? Policy(policy, orphan) : options.PropagationPolicy,
            GracePeriodSeconds = (long?)body["gracePeriodSeconds"] ?? options.GracePeriodSeconds,
            Uid = (string?)body["preconditions"]?["uid"] ?? "",
            ResourceVersion = (string?)body["preconditions"]?["resourceVersion"] ?? "",
            DryRun = options.DryRun || (body["dryRun"] as JsonArray ?? []).Aggregate(false, (dry, item) => DryRun((string?)item ?? "") || dry),
        };
    }

    private static string Policy(string policy, bool? orphan) => policy switch
    {
        "" => orphan is null ? "" : orphan.Value ? "Orphan" : "Background",
        "Background" or "Foreground" or "Orphan" => policy,
        _ => throw Failures.InvalidOption("propagationPolicy", policy, "Background, Foreground, Orphan"),
    };

    private static bool DryRun(string value) => value switch
    {
        "" => false,
        "All" => true,
        _ => throw Failures.InvalidOption("dryRun", value, "All"),
    };

    private static string Manager(ApiRequest request)
    {
        var given = request.Query("fieldManager");
        if (given.Length > 128)
        {
            throw Failures.InvalidOption("fieldManager", given[..16] + "…", "a name of at most 128 characters");
        }
        return given.Length > 0 ? given : request.Http.Request.Headers.UserAgent.ToString().Split('/')[0];
    }
}
