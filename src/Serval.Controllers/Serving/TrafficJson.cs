using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Controllers.Serving;

/// <summary>status.traffic[] as Knative writes it: revision, percent, tag and its URL; never a configuration.</summary>
internal static class TrafficJson
{
    internal static JsonObject Write(TrafficTarget target)
    {
        var json = new JsonObject();
        if (target.LatestRevision is { } latest)
        {
            json["latestRevision"] = latest;
        }
        json["percent"] = target.Percent ?? 0;
        if (target.RevisionName.Length > 0)
        {
            json["revisionName"] = target.RevisionName;
        }
        if (target.Tag.Length > 0)
        {
            json["tag"] = target.Tag;
        }
        if (target.Url.Length > 0)
        {
            json["url"] = target.Url;
        }
        return json;
    }
}
