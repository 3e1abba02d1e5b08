using Serval.Api;

namespace Serval.ApiServer.Store;

/// <summary>How large one object may be: as large as a request that brings it (apiserver: MaxRequestBodyBytes).</summary>
internal static class ObjectSize
{
    /// <summary>Most bytes of one object.</summary>
    public const int Most = 3 * 1024 * 1024;

    /// <summary>The object, unless it is too large.</summary>
    public static KubeObject Check(KubeObject obj) => obj.Json.Length <= Most ? obj : throw new ApiException(413, "RequestEntityTooLarge",
        $"{obj} would be {obj.Json.Length} bytes; the most that is stored is {Most}: split it, or keep the data outside the API");
}
