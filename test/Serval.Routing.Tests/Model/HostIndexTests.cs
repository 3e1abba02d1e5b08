namespace Serval.Routing.Tests.Model;

public sealed class HostIndexTests
{
    [Fact]
    public void With_RandomChanges_AgreesWithADictionaryAndLeavesTheOldOnesAlone()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        var index = HostIndex.Empty;
        var model = new Dictionary<string, HostRoutes>();
        for (var step = 0; step < 300; step++)
        {
            var before = index;
            var count = index.Count;
            var changes = new Dictionary<string, HostRoutes?>();
            for (var i = 0; i < random.Next(1, 40); i++)
            {
                var host = $"h{random.Next(2000)}.localhost";
                changes[host] = random.Next(3) == 0 ? null : new HostRoutes(host, []);
            }
            index = index.With(changes);
            foreach (var (host, routes) in changes)
            {
                if (routes is null)
                {
                    model.Remove(host);
                }
                else
                {
                    model[host] = routes;
                }
            }
            Assert.True(count == before.Count && before.Keys.Distinct().ToList().Count == count, $"seed {Seed}, step {step}: the old index changed");
            Assert.True(index.Count == model.Count && index.Keys.Distinct().ToList().Count == model.Count, $"seed {Seed}, step {step}: count");
            Assert.All(model, e => Assert.Same(e.Value, index[e.Key]));
        }
    }
}
