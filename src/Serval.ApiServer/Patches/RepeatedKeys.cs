using Serval.Api;
using Serval.Api.Schema;

namespace Serval.ApiServer.Patches;

/// <summary>Keys of a patch that are there twice, by their paths: as many as are told of.</summary>
internal sealed class RepeatedKeys
{
    private readonly List<string> _paths = [];

    /// <summary>Where the reader is.</summary>
    public DecodePath Place { get; } = new();

    /// <summary>For example <c>[0].value.data.a</c>.</summary>
    public IReadOnlyList<string> Paths => _paths;

    /// <summary>A key of the object that the reader is in.</summary>
    public void Add(string key)
    {
        if (_paths.Count < TextLimit.MostTold)
        {
            _paths.Add(Place.With(key));
        }
    }
}
