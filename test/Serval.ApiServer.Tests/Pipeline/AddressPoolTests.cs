using System.Net;
using Serval.ApiServer.Pipeline;

namespace Serval.ApiServer.Tests.Pipeline;

public sealed class AddressPoolTests
{
    [Theory]
    [InlineData("10.96.0.0/16", 65534, 256)]
    [InlineData("10.96.0.0/24", 254, 16)]
    [InlineData("10.96.0.0/28", 14, 0)]
    public void TakeAny_GivesAllOnce_TheLowBandLast(string range, int count, int band)
    {
        var pool = new AddressPool(IPNetwork.Parse(range));
        var random = new Random(7);
        var taken = Enumerable.Range(0, count).Select(_ => pool.TakeAny(random.Next())!).ToList();
        Assert.Equal(count, taken.Distinct().Count());
        Assert.All(taken, a => Assert.True(pool.Has(a)));
        Assert.All(taken[..^band], a => Assert.True(Number(a) - Number(pool.First) >= band, $"{a} is of the low band"));
        Assert.Null(pool.TakeAny(random.Next()));
    }

    [Theory]
    [InlineData("10.96.0.0", false)]
    [InlineData("10.96.0.1", true)]
    [InlineData("10.96.255.254", true)]
    [InlineData("10.96.255.255", false)]
    [InlineData("10.97.0.1", false)]
    [InlineData("fd00::1", false)]
    public void Has_IsTrueOfHostsOfTheRange(string address, bool has)
    {
        var pool = new AddressPool(IPNetwork.Parse("10.96.0.0/16"));
        Assert.Equal(has, pool.Has(IPAddress.Parse(address)));
        Assert.Equal(has, pool.Take(IPAddress.Parse(address)));
    }

    /// <summary>Against a set: whatever is done in whatever order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Pool_IsASet(int seed)
    {
        var random = new Random(seed);
        var range = IPNetwork.Parse("192.168.7.0/26");
        var pool = new AddressPool(range);
        var model = new HashSet<IPAddress>();
        for (var step = 0; step < 2000; step++)
        {
            var some = new IPAddress([192, 168, 7, (byte)random.Next(70)]);
            switch (random.Next(3))
            {
                case 0:
                    var any = pool.TakeAny(random.Next());
                    Assert.Equal(model.Count < 62, any is not null && model.Add(any));
                    break;
                case 1:
                    Assert.Equal(pool.Has(some) && model.Add(some), pool.Take(some));
                    break;
                default:
                    pool.Release(some);
                    model.Remove(some);
                    break;
            }
        }
    }

    private static long Number(IPAddress address) => address.GetAddressBytes().Aggregate(0L, (n, b) => n * 256 + b);
}
