using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Access;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>Query options and DeleteOptions bodies as the client's options.</summary>
internal static class QueryOptions
{
    private static readonly Lazy<TypeSchema> s_deleteOptions = new(() => Schemas.Find("v1", "DeleteOptions")!);

    public static ListOptions List(ApiRequest request, ResourceKind kind)
    {
        ListRules.CheckList(request);
        FieldLabels.Check(kind, request.Query("fieldSelector"));
        return new ListOptions
        {
            LabelSelector = request.Query("labelSelector"),
            FieldSelector = request.Query("fieldSelector"),
            Limit = Math.Max(request.Number("limit") ?? 0, 0),
            Continue = request.Query("continue"),
        };
    }

    public static WriteOptions Write(ApiRequest request, string subresource = "")
    {
        var problems = new OptionProblems(request.Method switch { "POST" => "CreateOptions", "PUT" => "UpdateOptions", _ => "PatchOptions" });
        var manager = request.Query("fieldManager");
        var isApply = HttpMethods.IsPatch(request.Method) && MediaClause.Parse(request.Http.Request.ContentType ?? "").Type == WriteHandler.ApplyType;
        if (isApply && manager.Length == 0)
        {
            problems.Required("fieldManager", "is required for apply patch");
        }
        if (HttpMethods.IsPatch(request.Method) && request.Has("force") && !isApply)
        {
            problems.Forbidden("force", "may not be specified for non-apply patch");
        }
        WriteRules.CheckManager(manager, problems);
        var options = new WriteOptions
        {
            FieldManager = manager.Length > 0 ? manager : WriteRules.ManagerOf(request.Http.Request.Headers.UserAgent.ToString()),
            Subresource = subresource,
            Force = isApply && request.Flag("force"),
            Tracked = !request.User.IsRole,
            DryRun = WriteRules.IsDryRun(request.All("dryRun"), problems),
            FieldValidation = WriteRules.Validation(request.Query("fieldValidation"), problems),
            User = request.User.IsRole ? WriteOptions.Roles : request.User.Name,
            Durability = request.User.IsRole ? Durability(request) : null,
            Review = Escalation.Of(request),
            Warn = request.Warn,
            Given = request.Given,
        };
        problems.Throw();
        return options;
    }

    // What a role would write again is not waited for (docs/decisions/0002).
    private static WriteDurability? Durability(ApiRequest request) =>
        Enum.TryParse<WriteDurability>(request.Http.Request.Headers[WriteOptions.DurabilityHeader], out var told) && Enum.IsDefined(told) ? told : null;

    /// <summary>The options of a delete: those of the body when there is one, else those of the query, never both.</summary>
    public static async Task<DeleteRequest> DeleteAsync(ApiRequest request)
    {
        var body = await BodyReader.ReadAsync(request);
        return body.IsEmpty ? FromQuery(request) : FromBody(DeleteBody(request, body));
    }

    /// <summary>The options of a delete that stand in another body.</summary>
    public static DeleteOptions Delete(JsonObject body) => FromBody(body).Options;

    private static JsonObject DeleteBody(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        if (BodyReader.IsProtobuf(request))
        {
            return Options(CanonicalJson.Serialize(ProtobufDecoder.Decode(body.Span)));
        }
        ReadOnlyMemory<byte> json;
        try
        {
            json = BodyReader.AsJson(request, body, repeated: null);
        }
        catch (BadYamlException e)
        {
            throw ApiException.BadRequest(e.Message);
        }
        return BodyReader.Unreadable(request, body, json) is { } unreadable ? throw ApiException.BadRequest(unreadable)
            : GivenType.IsNull(json.Span) ? []
            : Options(json);
    }

    private static JsonObject Options(ReadOnlyMemory<byte> json)
    {
        var decoded = StrictDecoder.Decode(s_deleteOptions.Value, json);
        return decoded.TypeMessage is { } wrong ? throw ApiException.BadRequest(wrong)
            : (string?)decoded.Tree["kind"] is null or "" or "DeleteOptions" ? decoded.Tree
            : throw ApiException.BadRequest("decoded object cannot be converted to DeleteOptions");
    }

    private static DeleteRequest FromQuery(ApiRequest request) => Checked(
        request.Has("propagationPolicy") ? request.Query("propagationPolicy") : null,
        request.Has("orphanDependents") ? request.Flag("orphanDependents") : null,
        request.All("dryRun"),
        new DeleteOptions { GracePeriodSeconds = request.Number("gracePeriodSeconds") });

    private static DeleteRequest FromBody(JsonObject body) => Checked(
        (string?)body["propagationPolicy"],
        (bool?)body["orphanDependents"],
        [.. (body["dryRun"] as JsonArray ?? []).Select(v => (string?)v ?? "")],
        new DeleteOptions
        {
            GracePeriodSeconds = (long?)body["gracePeriodSeconds"],
            Uid = (string?)body["preconditions"]?["uid"] ?? "",
            ResourceVersion = (string?)body["preconditions"]?["resourceVersion"] ?? "",
        });

    private static DeleteRequest Checked(string? policy, bool? orphan, IReadOnlyCollection<string> dryRun, DeleteOptions options)
    {
        var problems = new OptionProblems("DeleteOptions");
        if (policy is not null && orphan is not null)
        {
            problems.Invalid("propagationPolicy", OptionProblems.Quote(policy), "orphanDependents and deletionPropagation cannot be both set");
        }
        if (policy is not (null or "Foreground" or "Background" or "Orphan"))
        {
            problems.Unsupported("propagationPolicy", OptionProblems.Quote(policy), "Foreground", "Background", "Orphan", "nil");
        }
        options = options with
        {
            PropagationPolicy = policy ?? orphan switch { true => "Orphan", false => "Background", null => "" },
            DryRun = WriteRules.IsDryRun(dryRun, problems),
        };
        problems.Throw();
        return new DeleteRequest(options, orphan == false);
    }
}
