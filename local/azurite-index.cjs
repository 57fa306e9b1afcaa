// Azurite keeps tables in LokiJS, which looks at the conditions of a query in the order in which they are written and can
// use an index for the first one alone. Azurite writes PartitionKey first, so every change of a row reads its whole
// partition: quadratic in the number of rows. Here RowKey comes first. What is found is the same.
"use strict";
const { Collection } = require("lokijs");
const findOne = Collection.prototype.findOne;
Collection.prototype.findOne = function (query) {
  if (query && query.RowKey !== undefined && query.PartitionKey !== undefined) {
    const { RowKey, ...rest } = query;
    return findOne.call(this, { RowKey, ...rest });
  }
  return findOne.call(this, query);
};
