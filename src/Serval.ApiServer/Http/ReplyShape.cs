using Serval.Api;
using Serval.ApiServer.Tables;

namespace Serval.ApiServer.Http;

internal enum ReplyForm
{
    Object,
    Table,
    Metadata,
}

/// <summary>In which form the client wants objects: from the Accept header, the first clause that can be served.</summary>
internal readonly record struct ReplyShape(ReplyForm Form, IncludeObject Include)
{
    public static ReplyShape Negotiate(string accept, string includeObject, bool single)
    {
        foreach (var clause in accept.Length == 0 ? ["*/*"] : accept.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Read(MediaClause.Parse(clause), single) is { } form)
            {
                return new ReplyShape(form, form == ReplyForm.Table ? Included(includeObject) : IncludeObject.Metadata);
            }
        }
        throw Failures.NotAcceptable();
    }

    private static ReplyForm? Read(MediaClause clause, bool single)
    {
        if (!clause.IsJson)
        {
            return null;
        }
        var transform = clause.Value("as");
        if (transform.Length == 0)
        {
            return ReplyForm.Object;
        }
        if (clause.Value("g") != "meta.k8s.io" || clause.Value("v") is not ("v1" or ""))
        {
            return null;
        }
        return transform switch
        {
            "Table" => ReplyForm.Table,
            "PartialObjectMetadata" when single => ReplyForm.Metadata,
            "PartialObjectMetadataList" when !single => ReplyForm.Metadata,
            _ => null,
        };
    }

    private static IncludeObject Included(string option) => option switch
    {
        "" or "Metadata" => IncludeObject.Metadata,
        "None" => IncludeObject.None,
        "Object" => IncludeObject.Object,
        _ => throw ApiException.BadRequest($"unrecognized includeObject value: \"{option}\""),
    };
}
