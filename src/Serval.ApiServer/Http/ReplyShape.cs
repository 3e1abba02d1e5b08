using Serval.Api;
using Serval.Api.GoText;
using Serval.ApiServer.Tables;

namespace Serval.ApiServer.Http;

internal enum ReplyForm
{
    Object,
    Table,
    Metadata,
}

/// <summary>In which form the client wants objects: from the Accept header, the first clause that can be served.</summary>
/// <param name="Form">The object itself, a table, or its metadata.</param>
/// <param name="Include">What a table's row holds of its object.</param>
/// <param name="Version">Of meta.k8s.io, for the latter two.</param>
internal readonly record struct ReplyShape(ReplyForm Form, IncludeObject Include, string Version)
{
    private const string Older = "v1beta1";

    public static ReplyShape Negotiate(string accept, string includeObject, bool single)
    {
        var isJson = false;
        foreach (var text in accept.Length == 0 ? ["*/*"] : accept.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var clause = MediaClause.Parse(text);
            isJson |= clause.IsJson;
            if (Read(clause, single) is { } form)
            {
                return new ReplyShape(form, form == ReplyForm.Table ? Included(includeObject) : IncludeObject.Metadata, clause.Value("v") == Older ? Older : "v1");
            }
        }
        throw isJson ? Failures.NotAcceptable() : Failures.NoRepresentation();
    }

    private static ReplyForm? Read(MediaClause clause, bool single)
    {
        if (!clause.IsJson)
        {
            return null;
        }
        if (clause.IsPlain)
        {
            return ReplyForm.Object;
        }
        if (!clause.IsServed || clause.Value("g") != "meta.k8s.io" || clause.Value("v") is not ("v1" or Older))
        {
            return null;
        }
        return clause.Value("as") switch
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
        _ => throw ApiException.BadRequest($"Unable to convert to Table as requested: includeObject: Invalid value: {GoQuote.Quote(option)}: must be 'Metadata', 'Object', 'None', or empty"),
    };
}
